"""The log of predictions: appended to this machine's spool before the answer leaves, moved to the database afterwards.

Every line carries its request's id, which is unique in the table: shipping a segment twice stores it once. What is new
is counted in the same transaction (serving/monitoring); requests that were refused come as counts, a line a minute.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from audit import context
from audit.models import AuditEvent
from audit.services import record
from departments.quotas import ledger
from departments.quotas.kinds import period_of
from rest.problems import Refused
from serving.models import Deployment, Prediction
from serving.monitoring import counting
from serving.review.making import make_items
from serving.rollouts import comparing, watching
from serving.rollouts.comparing import Seen
from serving.runtime.spool import Spool, finished
from serving.runtime.tally import REFUSALS

BATCH, BATCH_BYTES = 500, 8 * 2**20
REJECTED = "rejected.log"
_log = logging.getLogger("serving.prediction_log")
_spools: dict[Path, Spool] = {}
_starting = threading.Lock()


def folder() -> Path:
    return Path(settings.HOME) / "spool"


def append(line: bytes) -> None:
    """Log one answered request. Where it cannot be logged, it is not answered: raises Refused (503)."""
    try:
        _spool().append(line)
    except OSError as error:
        _log.exception("the prediction log cannot be written")
        detail = _("The prediction log cannot be written, so nothing is answered. Tell your administrator: %s.")
        raise Refused("log_unavailable", detail % error.strerror, status=503) from error


def _spool() -> Spool:
    """This process's spool; the first use starts the thread that ships it."""
    path = folder()
    found = _spools.get(path)
    if found is None:
        with _starting:
            found = _spools.setdefault(path, Spool(path))
            if settings.PREDICTION_SHIP_EVERY and len(_spools) == 1:
                threading.Thread(target=_ship_forever, name="prediction-log", daemon=True).start()
    return found


def _forget_after_fork() -> None:
    for spool in _spools.values():
        spool.forget()
    _spools.clear()
    REFUSALS.forget()


os.register_at_fork(after_in_child=_forget_after_fork)


def _ship_forever() -> None:
    rest = threading.Event()
    while not rest.wait(settings.PREDICTION_SHIP_EVERY):
        try:
            ship()
        except Exception:  # the next round tries again; the lines stay in the spool
            _log.exception("predictions could not be shipped")
        finally:
            connection.close()


def ship() -> int:
    """Move every finished segment on this machine, this process's own included, to the database.

    Returns how many predictions were new. Any process may call it at any time.
    """
    for line in REFUSALS.drain():
        _spool().append(line)
    spool = _spools.get(folder())
    if spool is not None:
        spool.rotate()
    stored, asked = 0, set[str]()
    for segment in finished(folder()):
        with segment.open("rb") as lines:
            for batch in _batches(lines):
                stored += _store(batch)
                asked |= {entry["deployment"] for entry in batch if "refused" not in entry}
        segment.unlink()
    if asked:
        watching.watch(asked)
    return stored


def _batches(lines: Iterable[bytes]) -> Iterator[list[dict[str, Any]]]:
    """Entries, bounded in number and bytes. A torn last line is of a request whose answer never left: it is left out."""
    batch: list[dict[str, Any]] = []
    size = 0
    for line in lines:
        with suppress(orjson.JSONDecodeError):
            batch.append(orjson.loads(line))
            size += len(line)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _store(batch: list[dict[str, Any]]) -> int:
    """Store a batch; where the database refuses it, line by line, so that one line does not hold up the rest."""
    try:
        return _insert(batch, comparing.look_at(batch))
    except DatabaseError:
        if not connection.is_usable():
            raise
        return sum(_store_one(entry) for entry in batch)


def _store_one(entry: dict[str, Any]) -> int:
    try:
        return _insert([entry], comparing.look_at([entry]))
    except DatabaseError:
        _log.exception("prediction %s is kept in %s", entry.get("request_id") or entry["refused"], REJECTED)
        with (folder() / REJECTED).open("ab") as rejected:
            rejected.write(orjson.dumps(entry) + b"\n")
        return 0


@transaction.atomic
def _insert(batch: list[dict[str, Any]], seen: Mapping[str, Seen]) -> int:
    """Store what is new of a batch, and what `seen` says of it for a rollout."""
    counting.count_refused([entry for entry in batch if "refused" in entry])
    batch = [entry for entry in batch if "refused" not in entry]
    names = _names({entry["deployment"] for entry in batch})
    stored = Prediction.objects.filter(request_id__in=[entry["request_id"] for entry in batch])
    known = {str(request_id) for request_id in stored.values_list("request_id", flat=True)}
    fresh = [entry for entry in batch if entry["deployment"] in names and entry["request_id"] not in known]
    rows = Prediction.objects.bulk_create([_row(entry, seen.get(entry["request_id"])) for entry in fresh])
    comparing.store(seen[entry["request_id"]] for entry in fresh if entry["request_id"] in seen)
    make_items(rows, {key: deployment.department_id for key, deployment in names.items()})
    _audit(fresh, names)
    counting.count(fresh)
    return len(fresh)


def _names(ids: set[str]) -> dict[str, Deployment]:
    """The deployments that still exist: a deleted one took its log with it."""
    found = Deployment.objects.filter(pk__in=ids).only("name", "department_id")
    return {str(deployment.pk): deployment for deployment in found}


def _row(entry: dict[str, Any], seen: Seen | None) -> Prediction:
    return Prediction(
        request_id=entry["request_id"],
        deployment_id=entry["deployment"],
        model_version_id=entry["model_version"],
        person_id=entry["person"],
        token_id=entry["token"],
        rule=entry["rule"],
        rows=len(entry["answers"]),
        instances=entry["request"]["instances"],
        answers=entry["answers"],
        microseconds=entry["microseconds"],
        arm=seen.arm if seen else "",
        shadow_agreed=seen.agreed if seen else None,
        created_at=datetime.fromisoformat(entry["at"]),
    )


def _audit(entries: list[dict[str, Any]], names: dict[str, Deployment]) -> None:
    """One event for each caller of each deployment in this shipment, with counts; the rows hold each request.

    The events stay when a deployment is deleted, so the department's predictions are counted by them.
    """
    calls: Counter[tuple[Any, ...]] = Counter()
    rows: Counter[tuple[Any, ...]] = Counter()
    for entry in entries:
        key = tuple(entry[part] for part in ("deployment", "version", "person", "username", "token", "address", "rule"))
        calls[key] += 1
        rows[key] += len(entry["answers"])
    used: Counter[Any] = Counter()
    for key, count in rows.items():
        used[names[key[0]].department_id] += count
    for department_id, count in used.items():
        ledger.book(department_id, "predictions", count)
    for key, count in calls.items():
        deployment, version, person, username, token, address, rule = key
        with context.acting(context.Origin(person, username, token, address)):
            record(
                "deployment.predict",
                names[deployment],
                rule=rule,
                version=version,
                details={"calls": count, "rows": rows[key]},
            )


def recomputed() -> dict[tuple[UUID, str], int]:
    """The ledger of predictions as the audit trail has it."""
    counted: Counter[tuple[UUID, str]] = Counter()
    events = AuditEvent.objects.filter(verb="deployment.predict").exclude(department_id=None)
    for department, at, details in events.values_list("department_id", "created_at", "details").iterator():
        assert department is not None
        counted[department, period_of("predictions", at)] += details["rows"]
    return dict(counted)
