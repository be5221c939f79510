"""What came of runs, arranged for pages: figures beside their baseline, tables, differences."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from training.engine.demands import NONE
from training.engine.family import FAMILIES, REGRESSION
from training.engine.metrics import primary
from training.models import TrainingRun

PARTS = ("train", "validation", "test")
WORDS: dict[str, str | Promise] = {
    "rmse": _("Root mean squared error"),
    "mae": _("Mean absolute error"),
    "median_ae": _("Median absolute error"),
    "r2": _("R²"),
    "log_loss": _("Log loss"),
    "accuracy": _("Accuracy"),
    "balanced_accuracy": _("Balanced accuracy"),
    "f1": _("F1"),
    "precision": _("Precision"),
    "recall": _("Recall"),
    "auc": _("AUC"),
    "brier": _("Brier score"),
}
SMALLER_IS_BETTER = {"rmse", "mae", "median_ae", "log_loss", "brier"}
_HEADLINE = {REGRESSION: ("r2", "rmse", "mae")}
_HEADLINE_CLASSES = ("auc", "accuracy", "log_loss")
MOST_CLASSES = 30
_SPLIT_WORDS = {
    "test": _("Test share"),
    "validation": _("Validation share"),
    "kind": _("Split"),
    "by": _("Split by"),
}


def row(run: TrainingRun) -> dict[str, Any]:
    """A run as the list shows it: its first metric on the test rows, and the baseline's."""
    metric = primary(run.task) if run.task else ""
    second = "r2" if run.task == REGRESSION else "auc"
    return {
        "run": run,
        "metric": WORDS.get(metric, ""),
        "value": of_part(run.metrics, metric),
        "baseline": of_part(run.baseline, metric),
        "second_name": WORDS.get(second, ""),
        "second": of_part(run.metrics, second),
    }


def of_part(metrics: dict[str, Any], name: str, part: str = "test") -> float | None:
    """The metric on that part, or on the validation rows where no test rows were kept."""
    found: float | None = (metrics.get(part) or metrics.get("validation") or {}).get(name)
    return found


def of_run(run: TrainingRun, *, values: bool) -> dict[str, Any]:
    """Everything that the run's page shows besides its head; classes are `values` of rows."""
    return {
        "headline": headline(run.task, run.metrics, run.baseline),
        "table": table(run.metrics, run.baseline),
        "confusion": confusion(run) if values else None,
        **leaders_of(run),
        "findings": run.findings,
        "series": series(run),
        "params": params_of(run.family, run.report.get("params") or run.params),
    }


def headline(task: str, metrics: dict[str, Any], baseline: dict[str, Any]) -> list[dict[str, Any]]:
    """The few metrics that come first, on the test rows."""
    names = _HEADLINE.get(task, _HEADLINE_CLASSES)
    known = [name for name in names if of_part(metrics, name) is not None]
    return [
        {"name": n, "word": WORDS[n], "value": of_part(metrics, n), "baseline": of_part(baseline, n)} for n in known
    ]


def table(metrics: dict[str, Any], baseline: dict[str, Any]) -> list[dict[str, Any]]:
    """Every metric on every part, the baseline on the test rows, and whether it is beaten there."""
    names = [name for name in WORDS if any(name in (metrics.get(part) or {}) for part in PARTS)]
    return [
        {
            "word": WORDS[name],
            "parts": [(metrics.get(part) or {}).get(name) for part in PARTS],
            "baseline": of_part(baseline, name),
            "beaten": _beaten(name, of_part(metrics, name), of_part(baseline, name)),
        }
        for name in names
    ]


def _beaten(name: str, value: float | None, baseline: float | None) -> bool | None:
    if value is None or baseline is None:
        return None
    return value < baseline if name in SMALLER_IS_BETTER else value > baseline


def confusion(run: TrainingRun) -> dict[str, Any] | None:
    """The test rows' table, truth down and answer across, each cell with its share of the truth's row."""
    tables = run.report.get("confusion") or {}
    counts = tables.get("test") or tables.get("validation")
    classes = run.report.get("classes") or []
    if not counts or len(classes) > MOST_CLASSES:
        return None
    rows = [
        {"name": name, "cells": [_cell(n, sum(line) or 1, right=i == place) for i, n in enumerate(line)]}
        for place, (name, line) in enumerate(zip(classes, counts, strict=False))
    ]
    return {"classes": classes, "rows": rows}


def _cell(count: int, total: int, *, right: bool) -> dict[str, Any]:
    return {"count": count, "share": count / total, "heat": round(5 * count / total), "right": right}


def leaders_of(run: TrainingRun) -> dict[str, Any]:
    """The leaderboard as it stands: while the run lasts it fills, member by member."""
    rows = [_leader(entry) for entry in run.leaderboard]
    ends = [row[end] for row in rows if not row["error"] for end in ("low", "high") if row[end] is not None]
    # Room for the widest interval, so that the rows' dots can be told apart by eye.
    return {
        "leaders": rows,
        "scale": (min(ends), max(ends)) if ends else None,
        "weighted": any(row["weight"] is not None for row in rows),
        "timed": any(row["latency_ms"] is not None for row in rows),
    }


def _leader(entry: dict[str, Any]) -> dict[str, Any]:
    special = params_of(entry["family"], entry.get("params") or {}, only_special=True)
    unknown = dict.fromkeys(("low", "high", "weight", "latency_ms", "models"))
    return {**unknown, **entry, "word": WORDS.get(entry["metric"], entry["metric"]), "special": special}


def params_of(family: str, params: dict[str, Any], *, only_special: bool = False) -> list[tuple[str, Any]]:
    """Parameters by their title; with `only_special`, those that differ from the family's defaults."""
    declared = {param.name: param for param in FAMILIES[family].params} if family in FAMILIES else {}
    return [
        (declared[name].title, ", ".join(map(str, value)) if isinstance(value, list) else value)
        for name, value in params.items()
        if name in declared and (not only_special or value != declared[name].default)
    ]


def series(run: TrainingRun) -> list[str]:
    """The names of the curves to draw: the losses, of each candidate where there are several."""
    names = [candidate["family"] for candidate in run.candidates]
    if len(names) <= 1:
        return ["train_loss", "validation_loss"]
    numbered = [f"{n}-{names[:i].count(n) + 1}" if names.count(n) > 1 else n for i, n in enumerate(names)]
    return [f"{name}/validation_loss" for name in numbered]


def settings_of(run: TrainingRun, *, asked: bool = False) -> dict[str, Any]:
    """The run's configuration by its words; with `asked`, without what a preset chose."""
    chose = asked and bool(run.preset)
    shared = {
        _("Data set"): str(run.dataset_version),
        _("Recipe"): " → ".join(step.get("step", "") for step in run.steps),
        _("Columns"): len(run.features),
        _("Predicts"): run.target,
        _("Preset"): run.preset,
        _("Model"): "" if chose else str(FAMILIES[run.family].label) if run.family in FAMILIES else run.family,
        _("Time limit"): run.time_limit,
        _("Seed"): run.seed,
        **{_SPLIT_WORDS.get(name, name): value for name, value in run.split.items()},
        _("Row weights"): run.weight,
        _("Class weights"): "" if run.class_weight == NONE else run.class_weight,
        _("Monotone"): ", ".join(f"{name} {'↑' if way > 0 else '↓'}" for name, way in run.monotone.items()),
        _("Latency budget, ms"): run.latency_ms,
    }
    params = [] if chose else params_of(run.family, run.params if asked else run.report.get("params") or run.params)
    return {str(name): value for name, value in {**shared, **dict(params)}.items() if value not in (None, "", [], {})}
