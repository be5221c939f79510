"""What a deployment was asked in the last hours, added up from its counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from serving.models import Deployment
from serving.monitoring import latency
from serving.monitoring.models import RefusedCalls, TrafficHour
from serving.monitoring.references import reference_of
from serving.runtime.drift.compare import Drift, compare
from serving.runtime.drift.reference import ANSWERS
from training.models import ModelVersion

WINDOWS = {"1h": (1, _("1 hour")), "24h": (24, _("24 hours")), "7d": (168, _("7 days"))}
DEFAULT = "24h"


def since(hours: int) -> datetime:
    """Where a window begins: so many whole clock hours before the present one, which counts too."""
    return timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)


@dataclass
class Window:
    """Sums over a window: all versions' calls, rows, durations and callers; the sketches of one version's values.

    `hourly` counts calls from the first hour on; `refused` calls by status.
    """

    hours: int
    calls: int = 0
    rows: int = 0
    latency: list[int] = field(default_factory=list)
    callers: dict[str, list[int]] = field(default_factory=dict)
    hourly: list[int] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    answers: np.ndarray | None = None

    @property
    def refused_calls(self) -> int:
        return sum(self.refused.values())

    @property
    def error_share(self) -> float | None:
        total = self.calls + self.refused_calls
        return self.refused_calls / total if total else None

    @property
    def median(self) -> int | None:
        return latency.percentile(self.latency, 0.5)

    @property
    def p95(self) -> int | None:
        return latency.percentile(self.latency, 0.95)


def window_of(deployment: Deployment, version: ModelVersion, hours: int) -> Window:
    """Two queries, of at most a row an hour and version."""
    begin = since(hours)
    found = Window(hours, hourly=[0] * (hours + 1))
    for row in TrafficHour.objects.filter(deployment=deployment, hour__gte=begin).order_by("hour"):
        found.calls += row.calls
        found.rows += row.rows
        found.latency = latency.add(found.latency, row.latency)
        found.hourly[min(int((row.hour - begin) / timedelta(hours=1)), hours)] += row.calls
        for caller, (calls, rows) in row.callers.items():
            mine = found.callers.setdefault(caller, [0, 0])
            mine[0] += calls
            mine[1] += rows
        if row.model_version_id == version.pk:
            _add_sketches(found, row)
    refused = RefusedCalls.objects.filter(deployment=deployment, at__gte=begin)
    found.refused = dict(refused.order_by().values_list("status").annotate(n=Sum("calls")).order_by("status"))
    return found


def _add_sketches(found: Window, row: TrafficHour) -> None:
    for name, sketch in row.columns.items():
        counts = np.array(sketch, dtype=np.int64)
        found.columns[name] = found.columns[name] + counts if name in found.columns else counts
    if row.answers:
        counts = np.array(row.answers, dtype=np.int64)
        found.answers = counts if found.answers is None else found.answers + counts


def drifts(version: ModelVersion, window: Window) -> tuple[list[Drift], Drift | None]:
    """How every column, and the answers, differ from the version's reference; all tests are corrected together."""
    reference = reference_of(version.pk)
    columns = list(reference.columns.values())
    live: dict[str, np.ndarray] = dict(window.columns)
    if reference.answers is not None:
        columns.append(reference.answers)
        if window.answers is not None:
            live[ANSWERS] = window.answers
    found = compare(columns, live)
    answers = next((each for each in found if reference.answers is not None and each.column == ANSWERS), None)
    return [each for each in found if each is not answers], answers


def refused_since(deployment: Deployment, begin: datetime) -> int:
    total = RefusedCalls.objects.filter(deployment=deployment, at__gte=begin).aggregate(n=Sum("calls"))["n"]
    return int(total or 0)
