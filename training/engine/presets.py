"""Presets: which candidates an intent stands for on a table of a given size, and how long they will take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plugins.params import validate_params
from training.engine import cores, costs, folds
from training.engine.costs import Shape
from training.engine.errors import TrainError
from training.engine.families import trees
from training.engine.family import FAMILIES, MULTICLASS
from training.engine.folds import MOST_MODELS

TRAIN_SHARE = 0.7
SHAPES = {"balanced": 4, "best": 6}  # of boosted trees, at most
REPEATED = 2  # members that the ensemble usually stands on, and that are fitted again on other folds


@dataclass(frozen=True)
class Preset:
    """An intent: its name for people, what it means, and the seconds it may take unless told otherwise."""

    name: str
    label: str
    help: str
    time_limit: float


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("fast", "Fast", "A first good model in seconds: a linear model and boosted trees.", 5.0),
        Preset(
            "balanced",
            "Balanced",
            "Linear, boosted trees of several shapes and a neural network, in one ensemble.",
            40.0,
        ),
        Preset("best", "Best", "More shapes and a larger network, each fitted more often.", 120.0),
    )
}
DEFAULT = "balanced"


@dataclass(frozen=True)
class Plan:
    """What will be tried, for how long at most, the estimate in seconds, and the same in sentences."""

    candidates: list[dict[str, Any]]
    time_limit: float
    seconds: float
    explanation: list[str]


def plan(
    *,
    rows: int,
    features: int,
    task: str,
    preset: str = DEFAULT,
    time_limit: float | None = None,
    classes: int = 3,
) -> Plan:
    """Choose candidates for a table. `rows` are the table's; `features` count the numbers that a model will read.

    Raises TrainError for an unknown preset.
    """
    if preset not in PRESETS:
        raise TrainError(
            "unknown_preset", f"There is no preset {preset!r}.", f"Known are {', '.join(PRESETS)}.", "preset"
        )
    shape = _shape(rows, features, task, classes)
    limit = PRESETS[preset].time_limit if time_limit is None else float(time_limit)
    wanted = [_complete(family, params) for family, params in _candidates(preset, shape)]
    kept, left_out = _affordable(wanted, shape, limit)
    seconds = _folded(kept, shape, limit)
    lines = [_line(candidate, shape) for candidate in kept]
    lines += [f"Left out, since it would not get far in {limit:.0f} s: {_name(candidate)}." for candidate in left_out]
    lines.append(
        f"About {_words(seconds)}, and never more than {_words(limit)}; each is fitted on {folds.how_many(rows)} folds, and "
        "an ensemble of them is kept."
    )
    return Plan(kept, limit, seconds, lines)


def estimate(
    candidates: Sequence[Mapping[str, Any]],
    *,
    rows: int,
    features: int,
    task: str,
    time_limit: float | None = None,
    classes: int = 3,
) -> float:
    """Seconds that given candidates should take on a table of that size."""
    whole = [_complete(one["family"], one.get("params") or {}) for one in candidates]
    return _total(whole, _shape(rows, features, task, classes), time_limit)


def _shape(rows: int, features: int, task: str, classes: int) -> Shape:
    return Shape(max(1, round(rows * TRAIN_SHARE)), max(1, features), task, classes if task == MULTICLASS else 1)


def _complete(family: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"family": family, "params": validate_params(FAMILIES[family].params, params)}


def _candidates(preset: str, shape: Shape) -> list[tuple[str, dict[str, Any]]]:
    """Cheapest first: whoever stops early has something."""
    shapes = [("trees", params) for _, params in trees.settings(shape.rows, shape.features, shape.task)]
    linear: tuple[str, dict[str, Any]] = ("linear", {})
    if preset == "fast":
        return [linear, *shapes[:2]]
    return [linear, *shapes[: SHAPES[preset]], ("tabm", {})]


def _affordable(
    wanted: Sequence[dict[str, Any]], shape: Shape, limit: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Leave out what would use up the whole limit ten times over; the first candidate always stays."""
    costly = [one for one in wanted[1:] if costs.seconds(one["family"], shape, one["params"]) > 10.0 * limit]
    return [one for one in wanted if one not in costly], costly


def _folded(candidates: Sequence[Mapping[str, Any]], shape: Shape, limit: float) -> float:
    """Every candidate on every fold, and those that the ensemble stands on as often as there is any use."""
    took = [costs.seconds(one["family"], shape, one["params"]) for one in candidates if one["family"] != "linear"]
    count = folds.how_many(shape.rows)
    again = REPEATED * (MOST_MODELS - count) * sum(took) / max(1, len(took))
    whole = costs.overhead(shape) + (count * sum(took) + again) / min(len(took) or 1, cores.count())
    return round(min(whole, limit), 1)


def _total(candidates: Sequence[Mapping[str, Any]], shape: Shape, limit: float | None) -> float:
    whole = costs.overhead(shape) + sum(costs.seconds(one["family"], shape, one["params"]) for one in candidates)
    return round(whole if limit is None else min(whole, limit), 1)


def _line(candidate: Mapping[str, Any], shape: Shape) -> str:
    took = costs.seconds(candidate["family"], shape, candidate["params"])
    return f"{_name(candidate)}: about {_words(took)}."


def _name(candidate: Mapping[str, Any]) -> str:
    family, params = FAMILIES[candidate["family"]], candidate["params"]
    if candidate["family"] == "trees":
        return f"{family.label} at learning rate {params['learning_rate']:g}, up to {params['rounds']} rounds"
    if candidate["family"] == "mlp":
        return f"{family.label} of {'-'.join(map(str, params['hidden']))}"
    return family.label


def _words(seconds: float) -> str:
    if seconds < 1.0:
        return "a second"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
