"""What came of a study, arranged for its page and the API."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from training.engine.family import FAMILIES
from training.engine.importance import importances
from training.engine.search import Range, Space, space
from training.models import Study, Trial


def space_of(study: Study) -> Space:
    """The ranges that the study searches."""
    return space(FAMILIES[study.configuration["family"]].params, study.search)


def importance_of(study: Study, trials: Sequence[Trial]) -> dict[str, float]:
    """Each searched parameter's share, by the trials so far, those that were ended early being the worst; empty while
    there are too few."""
    sign = 1.0 if study.direction == "minimise" else -1.0
    ended = [(trial.params, math.inf) for trial in trials if trial.pruned]
    return importances(
        space_of(study), [(trial.params, sign * trial.value) for trial in trials if trial.value is not None] + ended
    )


def order_of(asked: str, study: Study) -> str:
    """The column that the page's table is sorted by, with a leading minus for falling: what is asked for, if known."""
    known = {"number", "value", "state", "latency_ms", "size_bytes", *study.search}
    return asked if asked.removeprefix("-") in known else "number"


def sorted_trials(trials: list[Trial], order: str) -> list[Trial]:
    """The trials in that order; those without a value there come last, whichever way."""
    name = order.removeprefix("-")

    def at(trial: Trial) -> Any:
        if name in trial.params:
            value = trial.params[name]
            return value if isinstance(value, int | float) else str(value)
        return trial.run.current_state if name == "state" else getattr(trial, name, None)

    known = [trial for trial in trials if at(trial) is not None]
    return sorted(known, key=at, reverse=order.startswith("-")) + [t for t in trials if at(t) is None]


def so_far(trials: Iterable[Trial], *, smaller: bool) -> list[tuple[int, float]]:
    """(number, best value until there) at every trial that became the best within the limits, in their order."""
    best: list[tuple[int, float]] = []
    for trial in trials:
        if trial.value is None or not trial.feasible:
            continue
        if not best or (trial.value < best[-1][1] if smaller else trial.value > best[-1][1]):
            best.append((trial.number, trial.value))
    return best


def charts_of(study: Study, trials: list[Trial], metric: str) -> dict[str, Any]:
    """What the page's scripts draw: the best so far, a slice for each parameter, and all parameters in parallel."""
    family = study.configuration["family"]
    titles = {param.name: str(_(param.title)) for param in FAMILIES[family].params}
    where = space_of(study)
    smaller = study.direction == "minimise"
    scored = [trial for trial in trials if trial.value is not None]
    best = so_far(trials, smaller=smaller)
    return {
        "best": {
            "title": str(_("Best so far, trial by trial")),
            "x": {"label": str(_("Trial")), "log": False, "choices": None, "whole": True},
            "y": {"label": metric},
            "points": [[trial.number, trial.value, trial.feasible] for trial in scored],
            "line": [*best, (trials[-1].number, best[-1][1])] if best else [],
        },
        "slices": [
            {
                "title": titles[one.name],
                "x": {"label": titles[one.name], "log": one.log, "choices": _choices(one)},
                "y": {"label": metric},
                "points": [
                    [_shown(one, t.params[one.name]), t.value, t.feasible] for t in scored if one.name in t.params
                ],
                "line": [],
            }
            for one in where
        ],
        "parallel": _parallel(study, trials, metric, where, titles),
    }


def _parallel(
    study: Study, trials: list[Trial], metric: str, where: Space, titles: Mapping[str, str]
) -> dict[str, Any]:
    axes = [{"name": o.name, "label": titles[o.name], "log": o.log, "choices": _choices(o)} for o in where]
    lines = [
        {
            "id": trial.number,
            "label": str(_("Trial %d") % trial.number),
            "url": reverse("training:run", args=[trial.run_id]),
            "muted": trial.value is None or not trial.feasible,
            "values": [
                *(_shown(one, trial.params[one.name]) if one.name in trial.params else None for one in where),
                trial.value,
            ],
        }
        for trial in trials
    ]
    return {
        "title": str(_("Every trial as a line over its parameters")),
        "axes": [*axes, {"name": "value", "label": metric, "log": False, "choices": None}],
        "lines": lines,
        "grade": "value",
        "smaller": study.direction == "minimise",
        "words": {
            "lowest": str(_("lowest that is shown")),
            "highest": str(_("highest that is shown")),
            "reset": str(_("Show all")),
            "shown": str(_("%(shown)s of %(all)s trials shown")),
        },
    }


def _choices(one: Range) -> list[str] | None:
    return [words(choice) for choice in one.choices] or None


def _shown(one: Range, value: Any) -> Any:
    return words(value) if one.choices else value


def words(value: Any) -> str:
    """A parameter's value as text: widths of layers with signs between them."""
    if isinstance(value, list | tuple):
        return " × ".join(map(str, value))
    return "–" if value is None else str(value)
