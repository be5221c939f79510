"""How much a deployment was asked in the last day, and how fast it answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.utils import timezone

from serving.models import Prediction

HOURS = 24
SAMPLE = 20_000  # the newest calls, of which the percentiles are taken


@dataclass
class Traffic:
    """Calls by hour, oldest first; percentiles in microseconds, None without calls."""

    hourly: list[int] = field(default_factory=lambda: [0] * HOURS)
    median: int | None = None
    p95: int | None = None

    @property
    def calls(self) -> int:
        return sum(self.hourly)


def traffic_of(deployment_ids: Collection[UUID]) -> dict[UUID, Traffic]:
    """The last day of each deployment, in two queries for any number of them."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    since = hour - timedelta(hours=HOURS - 1)
    recent = Prediction.objects.filter(deployment__in=deployment_ids, created_at__gte=since)
    found = {pk: Traffic() for pk in deployment_ids}
    counted = recent.order_by().annotate(hour=TruncHour("created_at")).values_list("deployment_id", "hour")
    for pk, at, count in counted.annotate(calls=Count("pk")):
        found[pk].hourly[_slot(at, since)] += count
    durations: dict[UUID, list[int]] = defaultdict(list)
    for pk, microseconds in recent.order_by("-created_at").values_list("deployment_id", "microseconds")[:SAMPLE]:
        durations[pk].append(microseconds)
    for pk, values in durations.items():
        values.sort()
        found[pk].median, found[pk].p95 = _at(values, 0.5), _at(values, 0.95)
    return found


def _slot(at: datetime, since: datetime) -> int:
    return min(max(int((at - since) / timedelta(hours=1)), 0), HOURS - 1)


def _at(ordered: list[int], share: float) -> int:
    """The value below which `share` of the calls lie."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
