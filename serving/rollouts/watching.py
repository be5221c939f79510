"""Looking after rollouts: alarms that roll back, steps whose time has come, counts that are folded together.

`watch` runs after every shipment of the log, about each second where predictions are answered, and with beat. It may run
anywhere at any time: each act is a transaction that only one can win.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from rest.problems import Refused
from serving.alerts.models import Alert
from serving.rollouts import services
from serving.rollouts.comparing import add
from serving.rollouts.models import ACTIVE, Rollout, RolloutState, RolloutTally
from serving.rollouts.sign_offs import missing_for
from serving.runtime.rollouts.alarms import first_alarm
from serving.runtime.rollouts.tally import Tally
from training.revoked import is_frozen

LATELY = timedelta(seconds=15)
KEPT_APART = timedelta(minutes=10)
# What an alarm listens to: kinds of alerts.
MONITORED = {"drift": ("drift", "answers"), "coverage": ("coverage",)}


def watch(deployments: Collection[Any] | None = None) -> int:
    """Look after the active rollouts (of these deployments); return how many were rolled back or moved on."""
    found = Rollout.objects.filter(state__in=ACTIVE).select_related(
        "deployment__department", "champion", "challenger__run"
    )
    if deployments is not None:
        found = found.filter(deployment__in=deployments)
    return sum(_look_after(rollout) for rollout in found)


def _look_after(rollout: Rollout) -> bool:
    """A refusal means that somebody else was faster; another trouble of one rollout holds up no other."""
    try:
        reason = trouble(rollout)
        if reason is not None:
            services.roll_back(actor=None, rollout=rollout, reason=reason)
            return True
        if is_due(rollout):
            services.advance(actor=None, rollout=rollout, from_step=rollout.step)
            return True
    except Refused:
        return False
    return False


def trouble(rollout: Rollout) -> dict[str, Any] | None:
    """Why the rollout must be rolled back now: {alarm, value, bound, calls}; None while all is well.

    Judged are the last seconds, in which bad news comes at once, and the whole step, in which it adds up.
    """
    if is_frozen(rollout.challenger):
        return _told("revoked")
    return _seen_by_monitoring(rollout) or _counted(rollout)


def _told(alarm: str) -> dict[str, Any]:
    return {"alarm": alarm, "value": None, "bound": None, "calls": None}


def _seen_by_monitoring(rollout: Rollout) -> dict[str, Any] | None:
    """Alerts that opened since the rollout began: of drift and of coverage, where they are to count."""
    watched = {kind: alarm for alarm, kinds in MONITORED.items() if rollout.alarms.get(alarm) for kind in kinds}
    open_now = Alert.objects.filter(deployment=rollout.deployment_id, kind__in=watched, closed_at=None)
    kind = open_now.filter(opened_at__gte=rollout.created_at).values_list("kind", flat=True).first()
    return _told(watched[kind]) if kind else None


def _counted(rollout: Rollout) -> dict[str, Any] | None:
    rows = list(rollout.tallies.all())
    whole = total(rows)
    step = [row for row in rows if row.step == rollout.step]
    lately = [row for row in step if row.at > timezone.now() - LATELY]
    for tally in (total(lately), total(step)):
        alarm = first_alarm(rollout.bounds, tally, whole)
        if alarm is not None:
            found = asdict(alarm)
            return {"alarm": found.pop("kind"), **found}
    return None


def total(rows: Collection[RolloutTally]) -> Tally:
    return sum((Tally.from_json(row.counts) for row in rows), Tally())


def is_due(rollout: Rollout) -> bool:
    """Whether the step has baked, and the next one needs nobody's word that is missing."""
    if rollout.state != RolloutState.RUNNING or not is_baked(rollout):
        return False
    following = rollout.plan[rollout.step + 1 : rollout.step + 2]
    becomes_live = not following or following[0].is_live
    return not (becomes_live and missing_for(rollout.challenger, rollout.deployment))


def is_baked(rollout: Rollout) -> bool:
    ends = bakes_until(rollout)
    if ends is None or timezone.now() < ends:
        return False
    return total(rollout.tallies.filter(step=rollout.step)).tried >= rollout.current.calls


def bakes_until(rollout: Rollout) -> datetime | None:
    """When the step's time is over; None where somebody has to say so."""
    minutes = rollout.current.minutes
    return None if minutes is None else rollout.step_began_at + timedelta(minutes=minutes)


def fold() -> None:
    """Put counts that are past into one row an hour: a rollout of weeks stays small."""
    past = RolloutTally.objects.filter(at__lt=timezone.now() - KEPT_APART).exclude(at__minute=0, at__second=0)
    for rollout in set(past.values_list("rollout_id", flat=True)):
        _fold(rollout, past)


@transaction.atomic
def _fold(rollout: UUID, past: QuerySet[RolloutTally]) -> None:
    hours: dict[tuple[int, datetime], Tally] = {}
    rows = list(past.filter(rollout=rollout).select_for_update())
    for row in rows:
        key = row.step, row.at.replace(minute=0, second=0, microsecond=0)
        hours[key] = hours.get(key, Tally()) + Tally.from_json(row.counts)
    for (step, hour), tally in hours.items():
        add((rollout, step, hour), tally)
    RolloutTally.objects.filter(pk__in=[row.pk for row in rows]).delete()
