"""What came of runs, arranged for pages: figures beside their baseline, tables, differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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


def row(run: TrainingRun) -> dict[str, Any]:
    """A run as the list shows it: its first metric on the test rows, and the baseline's."""
    metric = primary(run.task) if run.task else ""
    second = "r2" if run.task == REGRESSION else "auc"
    return {
        "run": run,
        "metric": WORDS.get(metric, ""),
        "value": _of(run.metrics, metric),
        "baseline": _of(run.baseline, metric),
        "second_name": WORDS.get(second, ""),
        "second": _of(run.metrics, second),
    }


def _of(metrics: dict[str, Any], name: str, part: str = "test") -> float | None:
    """The metric on that part, or on the validation rows where no test rows were kept."""
    found: float | None = (metrics.get(part) or metrics.get("validation") or {}).get(name)
    return found


def of_run(run: TrainingRun, *, values: bool) -> dict[str, Any]:
    """Everything that the run's page shows besides its head; classes are `values` of rows."""
    return {
        "headline": headline(run.task, run.metrics, run.baseline),
        "table": table(run.metrics, run.baseline),
        "confusion": confusion(run) if values else None,
        "leaders": [_leader(entry) for entry in run.leaderboard],
        "findings": run.findings,
        "series": series(run),
        "params": params_of(run.family, run.report.get("params") or run.params),
    }


def headline(task: str, metrics: dict[str, Any], baseline: dict[str, Any]) -> list[dict[str, Any]]:
    """The few metrics that come first, on the test rows."""
    names = _HEADLINE.get(task, _HEADLINE_CLASSES)
    known = [name for name in names if _of(metrics, name) is not None]
    return [{"name": n, "word": WORDS[n], "value": _of(metrics, n), "baseline": _of(baseline, n)} for n in known]


def table(metrics: dict[str, Any], baseline: dict[str, Any]) -> list[dict[str, Any]]:
    """Every metric on every part, the baseline on the test rows, and whether it is beaten there."""
    names = [name for name in WORDS if any(name in (metrics.get(part) or {}) for part in PARTS)]
    return [
        {
            "word": WORDS[name],
            "parts": [(metrics.get(part) or {}).get(name) for part in PARTS],
            "baseline": _of(baseline, name),
            "beaten": _beaten(name, _of(metrics, name), _of(baseline, name)),
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


def _leader(entry: dict[str, Any]) -> dict[str, Any]:
    special = params_of(entry["family"], entry.get("params") or {}, only_special=True)
    return {**entry, "word": WORDS.get(entry["metric"], entry["metric"]), "special": special}


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


def metric_table(runs: Sequence[TrainingRun]) -> list[dict[str, Any]]:
    """A row for each metric that any of the runs has, on the test rows; the best value is marked."""
    rows = []
    for name, word in WORDS.items():
        values = [_of(run.metrics, name) for run in runs]
        known = [value for value in values if value is not None]
        if known:
            best = min(known) if name in SMALLER_IS_BETTER else max(known)
            rows.append({"word": word, "cells": [{"value": value, "best": value == best} for value in values]})
    return rows


def differences(runs: Sequence[TrainingRun]) -> list[dict[str, Any]]:
    """The parts of the configuration in which the runs differ."""
    settings = [_settings(run) for run in runs]
    names = dict.fromkeys(name for one in settings for name in one)
    rows = [{"name": name, "values": [one.get(name, "–") for one in settings]} for name in names]
    return [line for line in rows if len(set(map(str, line["values"]))) > 1]


def _settings(run: TrainingRun) -> dict[str, Any]:
    base = {
        str(_("Data set")): str(run.dataset_version),
        str(_("Recipe")): " → ".join(step.get("step", "") for step in run.steps) or "–",
        str(_("Target")): run.target,
        str(_("Preset")): run.preset or "–",
        str(_("Family")): run.family or "–",
        str(_("Seed")): run.seed,
        str(_("Time limit")): run.time_limit or "–",
    }
    return {**base, **dict(params_of(run.family, run.report.get("params") or run.params))}
