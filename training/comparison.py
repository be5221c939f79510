"""Up to a hundred runs beside each other: their figures, and the settings in which they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from departments.access import Actor
from rest.spreadsheets import csv_line, defused
from training.curves import curves_of
from training.models import TrainingRun
from training.results import SMALLER_IS_BETTER, WORDS, of_part, settings_of

MOST = 100
AXES = 14  # of parallel coordinates: more cannot be told apart
CHOICES = 12


@dataclass(slots=True)
class Column:
    """One figure or setting of every run, in their order; None where a run has none."""

    name: str
    label: str
    kind: Literal["metric", "figure", "setting"]
    values: list[Any]
    smaller: bool = True
    numeric: bool = field(init=False)
    best: Any = field(init=False)

    def __post_init__(self) -> None:
        known = [value for value in self.values if value is not None]
        self.numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)
        scored = self.kind == "metric" and len(set(known)) > 1
        self.best = (min if self.smaller else max)(known) if scored else None


def chosen(actor: Actor, texts: Sequence[str]) -> list[TrainingRun]:
    """The runs of these ids that the actor sees, in that order, MOST at most; what is no id is passed over."""
    ids = [found for text in texts if (found := _uuid(text))][:MOST]
    place = {key: i for i, key in enumerate(ids)}
    visible = (
        TrainingRun.objects.visible_to(actor).with_what_lists_show().defer("candidates", "leaderboard", "findings")
    )
    return sorted(visible.filter(pk__in=ids), key=lambda run: place[run.pk])


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def columns_of(runs: Sequence[TrainingRun]) -> list[Column]:
    """The metrics of the test rows, the time, and the settings in which the runs differ."""
    return [*_metrics(runs), *_figures(runs), *differences(runs)]


def _metrics(runs: Sequence[TrainingRun]) -> Iterator[Column]:
    for name, word in WORDS.items():
        values = [of_part(run.metrics, name) for run in runs]
        if any(value is not None for value in values):
            yield Column(name, str(word), "metric", values, smaller=name in SMALLER_IS_BETTER)


def _figures(runs: Sequence[TrainingRun]) -> Iterator[Column]:
    seconds = [run.report.get("seconds") for run in runs]
    if any(value is not None for value in seconds):
        yield Column("seconds", _("Seconds"), "figure", seconds)


def differences(runs: Sequence[TrainingRun]) -> list[Column]:
    """The settings in which the runs differ."""
    return differing([settings_of(run) for run in runs])


def differing(settings: Sequence[dict[str, Any]]) -> list[Column]:
    """The settings, of each by its name, that are not the same in all; None where one has no such setting."""
    names = dict.fromkeys(name for one in settings for name in one)
    columns = [Column(name, name, "setting", [one.get(name) for one in settings]) for name in names]
    return [column for column in columns if len(set(map(str, column.values))) > 1]


def changes(before: TrainingRun, after: TrainingRun) -> list[dict[str, Any]]:
    """What was asked differently of two runs: {name, old, new}; None where one was not asked for it."""
    old, new = settings_of(before, asked=True), settings_of(after, asked=True)
    names = dict.fromkeys([*old, *new])
    return [
        {"name": name, "old": old.get(name), "new": new.get(name)}
        for name in names
        if str(old.get(name)) != str(new.get(name))
    ]


def rows_of(runs: Sequence[TrainingRun], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The same by run, as the page's table goes through them."""
    return [
        {
            "run": run,
            "cells": [
                {"column": column, "value": column.values[i], "best": column.best is not None and column.values[i] == column.best}
                for column in columns
            ],
        }
        for i, run in enumerate(runs)
    ]  # fmt: skip


def parallel(runs: Sequence[TrainingRun], columns: Sequence[Column]) -> dict[str, Any] | None:
    """Settings and the first metric for static/js/parallel-coordinates.js; None where there is nothing to draw."""
    metrics = [column for column in columns if column.kind == "metric"][:1]
    shown = [c for c in columns if c.kind == "setting" and (c.numeric or len(set(map(str, c.values))) <= CHOICES)]
    axes = [*shown[: AXES - 1], *metrics]
    if len(axes) < 2:
        return None
    return {
        "title": _("Settings and scores of the runs"),
        "axes": [_axis(column) for column in axes],
        "lines": [
            {
                "id": str(run.pk), "label": run.name, "url": reverse("training:run", args=[run.pk]), "muted": False,
                "values": [_placed(column, i) for column in axes],
            }
            for i, run in enumerate(runs)
        ],
        "grade": metrics[0].name if metrics else "",
        "smaller": metrics[0].smaller if metrics else True,
        "words": {
            "lowest": _("lowest"),
            "highest": _("highest"),
            "reset": _("Show all"),
            "shown": _("%(shown)s of %(all)s shown"),
        },
    }  # fmt: skip


def _axis(column: Column) -> dict[str, Any]:
    choices = None if column.numeric else sorted({str(value) for value in column.values if value is not None})
    numbers = [value for value in column.values if value] if column.numeric else []
    wide = bool(numbers) and min(numbers) > 0 and max(numbers) / min(numbers) >= 50
    return {"name": column.name, "label": column.label, "log": wide, "choices": choices}


def _placed(column: Column, i: int) -> Any:
    value = column.values[i]
    return value if column.numeric or value is None else str(value)


def table_csv(runs: Sequence[TrainingRun], columns: Sequence[Column]) -> Iterator[bytes]:
    """The table as CSV that spreadsheets do not run."""
    yield csv_line([_("Run"), _("State"), "id", *(defused(column.label) for column in columns)])
    for i, run in enumerate(runs):
        cells = (_text(column.values[i]) for column in columns)
        yield csv_line([defused(run.name), run.current_state, str(run.pk), *cells])


def curves_csv(runs: Sequence[TrainingRun], metric: str) -> Iterator[bytes]:
    """Every point of a metric as CSV, run by run; without a metric, of all of them."""
    yield csv_line(["run", "id", "metric", "step", "value"])
    for run in runs:
        for name, curve in curves_of(run).items():
            if metric in ("", name):
                own = [defused(run.name), str(run.pk), name]
                for step, value in zip(curve.steps.astype(int).tolist(), curve.values.tolist(), strict=True):
                    yield csv_line([*own, str(step), repr(value)])


def _text(value: Any) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else defused(str(value))
