"""Presets: which candidates an intent stands for on a table of a given size, and how long they will take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plugins.params import validate_params
from training.engine import costs
from training.engine.costs import Shape
from training.engine.errors import TrainError
from training.engine.family import FAMILIES, MULTICLASS

TRAIN_SHARE = 0.6
LARGE = 2e7  # cells beyond which a linear classifier takes batches instead of the whole table at each step


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
        Preset("fast", "Fast", "A first good model in seconds: a linear model and boosted trees.", 20.0),
        Preset("balanced", "Balanced", "Linear, boosted trees quick and slow, and a neural network.", 120.0),
        Preset("best", "Best", "More trees and larger networks, given more time.", 600.0),
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
    seconds = _total(kept, shape, limit)
    lines = [_line(candidate, shape) for candidate in kept]
    lines += [f"Left out, since it would not get far in {limit:.0f} s: {_name(candidate)}." for candidate in left_out]
    lines.append(f"About {_words(seconds)}, and never more than {_words(limit)}; the best on rows held back is kept.")
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
    quick: dict[str, Any] = {"learning_rate": 0.1, "rounds": 300}
    slow: dict[str, Any] = {"learning_rate": 0.03, "rounds": 1500, "max_leaves": 63, "patience": 60}
    deep: dict[str, Any] = {"learning_rate": 0.05, "rounds": 1000, "max_depth": 6, "patience": 40}
    net: dict[str, Any] = {"batch_size": _batch(shape.rows)}
    if preset == "fast":
        return [("linear", {**_linear(shape), "patience": 20}), ("trees", quick)]
    chosen = [("linear", _linear(shape)), ("trees", quick), ("trees", slow), ("mlp", net)]
    if preset == "best":
        wide = {**net, "hidden": [256, 256, 256], "dropout": 0.2, "epochs": 100, "activation": "silu"}
        chosen += [("trees", deep), ("mlp", wide)]
    return chosen


def _linear(shape: Shape) -> dict[str, Any]:
    if shape.rows * shape.features * shape.outputs < LARGE:
        return {}
    if shape.task == "regression":
        return {}
    return {"optimiser": "adamw", "batch_size": 4096, "epochs": 20, "schedule": "cosine", "patience": 5}


def _batch(rows: int) -> int:
    """Batches grow with the table: a few hundred steps an epoch suffice."""
    return 256 if rows < 50_000 else 1024 if rows < 200_000 else 4096


def _affordable(
    wanted: Sequence[dict[str, Any]], shape: Shape, limit: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Leave out what would use up the whole limit ten times over; the first candidate always stays."""
    costly = [one for one in wanted[1:] if costs.seconds(one["family"], shape, one["params"]) > 10.0 * limit]
    return [one for one in wanted if one not in costly], costly


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
