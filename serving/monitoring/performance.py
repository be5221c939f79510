"""How a version does on truths as they arrive, beside how it did when it was tested."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, F
from django.db.models.functions import Abs, TruncDate

from serving.models import Deployment, Outcome
from serving.monitoring.windows import since
from training.models import ModelVersion

FEWEST = 30  # truths, below which nothing is said
Z = 1.959964  # 95 %
SMALLEST = 0.01  # a test without an error does not make the first one an alarm


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric over `count` truths with its 95 % interval; None where there are none."""

    count: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """`metric` is "accuracy" or "mae"; `tested` what the test rows gave, None where it is not known; `daily` by day."""

    metric: str
    tested: float | None
    overall: Figure
    daily: list[tuple[Any, Figure]]

    @property
    def rise(self) -> float | None:
        """By which share the error is above the test's at least, going by the interval's better end; None if unknown."""
        if self.tested is None or self.overall.count < FEWEST or self.overall.low is None or self.overall.high is None:
            return None
        if self.metric == "accuracy":
            return (1 - self.overall.high) / max(1 - self.tested, SMALLEST) - 1
        return self.overall.low / self.tested - 1 if self.tested > 0 else None


def wilson(hits: int, count: int) -> Figure:
    """A share with Wilson's interval (1927)."""
    if not count:
        return Figure(0)
    share, z2 = hits / count, Z * Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count))
    return Figure(count, share, max(0.0, middle - half), min(1.0, middle + half))


def mean_figure(count: int, mean: float | None, mean_square: float | None) -> Figure:
    """A mean of absolute errors with its normal interval."""
    if not count or mean is None or mean_square is None:
        return Figure(0)
    half = Z * math.sqrt(max(0.0, mean_square - mean * mean) / max(1, count - 1))
    return Figure(count, mean, max(0.0, mean - half), mean + half)


def performance_of(deployment: Deployment, version: ModelVersion, hours: int) -> Performance:
    """Of the truths about this version's answers that arrived in the window: counted in the database."""
    found = Outcome.objects.filter(
        deployment=deployment, prediction__model_version=version, created_at__gte=since(hours)
    ).order_by()
    tested = ((version.card or {}).get("metrics") or {}).get("test") or {}
    if version.task == "regression":
        daily = _errors(found)
        metric = "mae"
    else:
        daily = _accuracies(found)
        metric = "accuracy"
    figures = sorted(daily.items())
    overall = _together(metric, daily.values())
    return Performance(metric, tested.get(metric), overall, [(day, _figure(metric, sums)) for day, sums in figures])


Sums = tuple[float, ...]


def _accuracies(found: Any) -> dict[Any, Sums]:
    """(hits, count) by day. Truth and answer are compared here: databases write JSON in their own ways."""
    sums: dict[Any, Sums] = {}
    rows = found.annotate(day=TruncDate("created_at")).values_list("day", "value", "answered").annotate(n=Count("pk"))
    for day, value, answered, count in rows:
        hits, all_ = sums.get(day, (0, 0))
        sums[day] = (hits + count * (value == answered), all_ + count)
    return sums


def _errors(found: Any) -> dict[Any, Sums]:
    """(count, mean absolute, mean square) by day."""
    rows = found.annotate(day=TruncDate("created_at")).values_list("day")
    figures = {"n": Count("pk"), "mean": Avg(Abs("error")), "square": Avg(F("error") * F("error"))}
    return {day: (n, mean, square) for day, n, mean, square in rows.annotate(**figures)}


def _figure(metric: str, sums: Sums) -> Figure:
    if metric == "accuracy":
        return wilson(int(sums[0]), int(sums[1]))
    return mean_figure(int(sums[0]), sums[1], sums[2])


def _together(metric: str, parts: Iterable[Sums]) -> Figure:
    rows = list(parts)
    if metric == "accuracy":
        return wilson(int(sum(row[0] for row in rows)), int(sum(row[1] for row in rows)))
    count = sum(row[0] for row in rows)
    if not count:
        return Figure(0)
    mean, square = (sum(row[0] * row[i] for row in rows) / count for i in (1, 2))
    return mean_figure(int(count), mean, square)
