"""Counting what is shipped from the prediction log, within the transaction that stores it: what is stored once is counted
once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from serving.models import Deployment
from serving.monitoring import latency
from serving.monitoring.models import RefusedCalls, TrafficHour, TrafficMinute
from serving.monitoring.references import reference_of
from serving.runtime.drift.reference import answered
from training.models import ModelVersion

KEPT_MINUTES, KEPT_REFUSALS, KEPT_HOURS = timedelta(days=1), timedelta(days=9), timedelta(days=400)
MOST_ROWS = 1000  # of a shipment, hour and version, evenly taken, whose values are counted
Entry = Mapping[str, Any]


def count(entries: Sequence[Entry]) -> None:
    """Add log entries that are new to the hours and minutes that they belong to."""
    hours: dict[tuple[str, str, datetime], list[Entry]] = defaultdict(list)
    minutes: dict[tuple[str, datetime], list[int]] = defaultdict(list)
    for entry in entries:
        minute = datetime.fromisoformat(entry["at"]).replace(second=0, microsecond=0)
        hours[entry["deployment"], entry["model_version"], minute.replace(minute=0)].append(entry)
        minutes[entry["deployment"], minute].append(entry["microseconds"])
    tasks = _tasks({version for _deployment, version, _hour in hours})
    # In one order, so that two processes that ship at once wait for each other in turn.
    for (deployment, version, hour), found in sorted(hours.items()):
        if UUID(version) in tasks:
            _add_hour(deployment, tasks[UUID(version)], hour, found)
    for (deployment, minute), durations in sorted(minutes.items()):
        row, _made = TrafficMinute.objects.select_for_update().get_or_create(deployment_id=deployment, minute=minute)
        row.calls += len(durations)
        row.latency = latency.add(row.latency, latency.count(durations))
        row.save(update_fields=["calls", "latency"])


def _tasks(ids: Collection[str]) -> dict[UUID, ModelVersion]:
    """The versions, for their task and classes."""
    return {version.pk: version for version in ModelVersion.objects.filter(pk__in=ids).defer("card")}


def _add_hour(deployment: str, version: ModelVersion, hour: datetime, entries: Sequence[Entry]) -> None:
    row, _made = TrafficHour.objects.select_for_update().get_or_create(
        deployment_id=deployment, model_version=version, hour=hour
    )
    row.calls += len(entries)
    row.rows += sum(len(entry["answers"]) for entry in entries)
    row.latency = latency.add(row.latency, latency.count(entry["microseconds"] for entry in entries))
    for entry in entries:
        mine = row.callers.setdefault(f"{entry['person']}|{entry['token'] or ''}", [0, 0])
        mine[0] += 1
        mine[1] += len(entry["answers"])
    _add_sketches(row, version, entries)
    row.save()


def _add_sketches(row: TrafficHour, version: ModelVersion, entries: Sequence[Entry]) -> None:
    reference = reference_of(version.pk)
    pairs = [pair for entry in entries for pair in zip(entry["request"]["instances"], entry["answers"], strict=True)]
    step = -(-len(pairs) // MOST_ROWS)
    taken = pairs[::step] if step > 1 else pairs
    for name, column in reference.columns.items():
        sketch = column.bins.count([instance.get(name) for instance, _answer in taken]).tolist()
        row.columns[name] = latency.add(row.columns.get(name, []), sketch)
    if reference.answers is not None:
        classes = version.manifest.get("classes") or []
        values = answered(version.task, classes, [answer for _instance, answer in taken])
        row.answers = latency.add(row.answers, reference.answers.bins.count(values).tolist())


def count_refused(entries: Sequence[Entry]) -> None:
    """Keep refusals as the processes counted them; the same one again changes nothing."""
    named = {entry["name"] for entry in entries}
    known = dict(Deployment.objects.filter(name__in=named).values_list("name", "pk"))
    RefusedCalls.objects.bulk_create(
        [
            RefusedCalls(
                id=entry["refused"], deployment_id=known[entry["name"]], at=datetime.fromisoformat(entry["at"]),
                status=entry["status"], calls=entry["calls"],
            )
            for entry in entries
            if entry["name"] in known
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def forget_old() -> None:
    """Drop the counts that are older than they are kept."""
    now = timezone.now()
    TrafficMinute.objects.filter(minute__lt=now - KEPT_MINUTES).delete()
    RefusedCalls.objects.filter(at__lt=now - KEPT_REFUSALS).delete()
    TrafficHour.objects.filter(hour__lt=now - KEPT_HOURS).delete()
