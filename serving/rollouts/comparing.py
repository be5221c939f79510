"""Champion and challenger asked the same, beside the answers to callers: while a shipment of the log is stored.

No caller waits for it and none sees it fail. What was logged is asked of both models again, so that their latencies are
of the same moment on the same machine; of a busy name as much as fits into a fraction of a second, and the rest is counted
as left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, perf_counter_ns
from typing import Any
from uuid import UUID

from serving.models import Arm
from serving.predictors import predictor_of
from serving.rollouts.models import ACTIVE, Rollout, RolloutTally
from serving.runtime.predictor import Predictor
from serving.runtime.rollouts.comparing import agree, distance
from serving.runtime.rollouts.tally import Tally

BUDGET = 0.2  # seconds of comparing in one batch of the log
MOMENT = 5  # seconds that are counted together

Entry = dict[str, Any]
Key = tuple[UUID, int, datetime]  # rollout, step, moment


@dataclass(frozen=True, slots=True)
class Seen:
    """What one answered request says of a rollout."""

    key: Key
    tally: Tally

    @property
    def arm(self) -> Arm:
        if self.tally.challenger:
            return Arm.CHALLENGER
        return Arm.FALLBACK if self.tally.fell_back else Arm.CHAMPION

    @property
    def agreed(self) -> bool | None:
        """Whether both models answered alike; None where they were not compared."""
        return bool(self.tally.agreed) if self.tally.compared else None


def look_at(batch: Iterable[Entry]) -> dict[str, Seen]:
    """What the logged requests of deployments with a rollout say, by request id. Asks both models."""
    entries = [entry for entry in batch if "refused" not in entry]
    rollouts = _active({UUID(entry["deployment"]) for entry in entries})
    return dict(_look(rollouts, entries)) if rollouts else {}


def _active(deployments: set[UUID]) -> dict[str, Rollout]:
    related = ("champion", "challenger")
    found = Rollout.objects.filter(deployment__in=deployments, state__in=ACTIVE).select_related(*related)
    heavy = [f"{each}__{part}" for each in related for part in ("manifest", "card")]
    return {str(rollout.deployment_id): rollout for rollout in found.defer(*heavy)}


def _look(rollouts: dict[str, Rollout], entries: list[Entry]) -> Iterator[tuple[str, Seen]]:
    until = monotonic() + BUDGET
    for entry in entries:
        rollout = rollouts.get(entry["deployment"])
        at = datetime.fromisoformat(entry["at"])
        if rollout is None or at < rollout.step_began_at:
            continue  # what was answered before the step began speaks of another one
        tally = _answered(entry, rollout)
        if monotonic() < until:
            _compare(tally, entry, rollout)
        else:
            tally.uncompared += 1
        yield entry["request_id"], Seen((rollout.pk, rollout.step, _moment(at)), tally)


def _answered(entry: Entry, rollout: Rollout) -> Tally:
    tally = Tally()
    if entry.get("fell_back"):
        tally.champion = tally.tried = tally.failed = tally.fell_back = 1
    elif entry["model_version"] == str(rollout.challenger_id):
        tally.challenger = tally.tried = 1
        tally.challenger_answered_in.add(entry["microseconds"])
    else:
        tally.champion = 1
        tally.champion_answered_in.add(entry["microseconds"])
    return tally


def _compare(tally: Tally, entry: Entry, rollout: Rollout) -> None:
    """Ask both models; the champion's failure says nothing of the challenger."""
    if tally.fell_back:
        return
    instances = entry["request"]["instances"]
    with suppress(Exception):
        ours, took = _timed(predictor_of(rollout.champion), instances)
        tally.tried = 1
        try:
            theirs, took_them = _timed(predictor_of(rollout.challenger), instances)
        except Exception:  # a model from elsewhere raises whatever it likes
            tally.failed = 1
            return
        tally.compared = 1
        tally.agreed = int(agree(ours, theirs))
        tally.difference = distance(ours, theirs)
        tally.champion_compared_in.add(took)
        tally.challenger_compared_in.add(took_them)


def _timed(predictor: Predictor, instances: list[Any]) -> tuple[list[dict[str, Any]], float]:
    began = perf_counter_ns()
    return predictor.predict(instances), (perf_counter_ns() - began) / 1000


def _moment(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // MOMENT * MOMENT, UTC)


def store(seen: Iterable[Seen]) -> None:
    """Add what was seen to the rollouts' counts. Part of the transaction that stores the requests."""
    sums: dict[Key, Tally] = {}
    for each in seen:
        sums[each.key] = sums.get(each.key, Tally()) + each.tally
    for key, tally in sorted(sums.items()):
        add(key, tally)


def add(key: Key, tally: Tally) -> None:
    """Add to the counts of one moment. Part of the caller's transaction."""
    rollout, step, at = key
    row, is_new = RolloutTally.objects.select_for_update().get_or_create(
        rollout_id=rollout, step=step, at=at, defaults={"counts": tally.as_json()}
    )
    if not is_new:
        row.counts = (Tally.from_json(row.counts) + tally).as_json()
        row.save(update_fields=["counts"])
