"""A study begins with what did best on similar tables, also other departments'.

What crosses is the parameters that were searched, numbers and declared choices, ordered by rank. Rows, scores and the
names of columns, data sets, studies and departments stay; nothing says whose study it was, or that there was one. A
department that does not share its tuning is not listened to by others.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q

from datasets.tables import Described
from training.configuration import Configuration
from training.engine.family import REGRESSION
from training.engine.search import Range
from training.engine.similar import borrow
from training.models import RunState, Study, Trial

MOST = 3  # configurations that are taken over
SHARE = 4  # and at most one in so many trials of the study
LISTENED = 200  # newest studies that are looked at


def figures_of(table: Described, configuration: Configuration) -> dict[str, Any]:
    """The table's size, kind and shape of target: logarithms, shares, no names and no values."""
    profiled: Mapping[str, Any] = table.profile.get("by_column") or {}
    columns = [column for column in table.schema if column.name in configuration.features]
    missing = sum(int((profiled.get(column.name) or {}).get("missing") or 0) for column in columns)
    numeric = sum(column.type in {"integer", "number", "boolean"} for column in columns)
    target = profiled.get(configuration.target) or {}
    classes = 0 if configuration.task == REGRESSION else int(target.get("distinct") or 2)
    return {
        "task": configuration.task,
        "rows": round(math.log10(max(1, table.rows)), 2),
        "columns": round(math.log10(max(1, len(columns))), 2),
        "classes": round(math.log2(max(1, classes)), 2),
        "numeric": round(numeric / max(1, len(columns)), 2),
        "missing": round(missing / max(1, len(columns) * table.rows), 2),
        "skew": _skew(target) if configuration.task == REGRESSION else 0.0,
        "imbalance": _imbalance(target, classes) if classes else 0.0,
    }


def _skew(target: Mapping[str, Any]) -> float:
    """How far the mean lies from the median, in standard deviations: from -1 to 1."""
    mean, spread, middle = target.get("mean"), target.get("sd"), (target.get("quantiles") or {}).get("0.5")
    if mean is None or not spread or not isinstance(middle, int | float):
        return 0.0
    return round(float(mean - middle) / float(spread), 2)


def _imbalance(target: Mapping[str, Any], classes: int) -> float:
    """The most frequent class' share, above an even one."""
    counts = [int(entry["count"]) for entry in target.get("top") or []]
    return round(max(counts) / max(1, sum(counts)) - 1.0 / classes, 2) if counts else 0.0


def borrowed(study: Study, where: Sequence[Range]) -> list[dict[str, Any]]:
    """What `study` should try first, by the studies that its department may learn from."""
    most = min(MOST, study.trial_count // SHARE)
    if not most or not study.meta:
        return []
    own = Q(department=study.department) | Q(department__shares_tuning=True)
    alike = Study.objects.filter(own, metric=study.metric, configuration__family=study.configuration["family"])
    metas = dict(alike.exclude(pk=study.pk).order_by("-created_at").values_list("pk", "meta")[:LISTENED])
    found: dict[Any, list[tuple[dict[str, Any], float]]] = defaultdict(list)
    finished = Trial.objects.filter(study__in=metas, value__isnull=False, feasible=True)
    for key, params, value in finished.exclude(run__state=RunState.PRUNED).values_list("study", "params", "value"):
        if taken := _fitted(params, where, study.configuration["params"]):
            found[key].append((taken, float(value or 0.0)))
    return borrow(study.meta, [(metas[key], trials) for key, trials in found.items()], most)


def _fitted(params: Mapping[str, Any], where: Sequence[Range], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """The trial's parameters as one of this study's: each from its own range, the others as they are fixed here.

    Empty where none is left, or where one lies outside.
    """
    if not any(one.holds(params) for one in where):
        return {}
    taken: dict[str, Any] = {}
    for one in where:
        if one.drawn_with(taken):
            source = params if one.name in params else fixed
            if not one.holds(source):
                return {}
            taken[one.name] = source[one.name]
    return taken
