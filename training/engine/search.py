"""Tuning: what may be searched, and which parameters to try next.

The finished trials are the state; they live wherever the caller keeps them. Each suggestion rebuilds an Optuna study in
memory from them, so that trials can run anywhere and a study survives anything.
Bergstra et al. 2011, Algorithms for hyper-parameter optimization (TPE).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.params import Param, ParamError
from training.engine.errors import TrainError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MAX_CHOICES = 50
RANGE_KEYS = {"low", "high", "log"}


@dataclass(frozen=True)
class Range:
    """Where one parameter is drawn from: between two numbers, or one of `choices`."""

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[Any, ...] = ()

    def distribution(self) -> BaseDistribution:
        from optuna import distributions as d

        if self.choices:
            return d.CategoricalDistribution(list(range(len(self.choices))))
        if self.whole:
            return d.IntDistribution(int(self.low), int(self.high), log=self.log)
        return d.FloatDistribution(self.low, self.high, log=self.log)

    def outward(self, drawn: Any) -> Any:
        return self.choices[drawn] if self.choices else drawn

    def inward(self, value: Any) -> Any:
        return self.choices.index(value) if self.choices else value


Space = Sequence[Range]


def space(declared: Iterable[Param], search: Mapping[str, Any]) -> list[Range]:
    """Return the search space of a request {param: {"low", "high", "log"} or [choices]}, checked against declarations.

    A bound or "log" that is left out is the declared one. Raises TrainError whose field names the parameter.
    """
    params = {param.name: param for param in declared}
    if not isinstance(search, Mapping) or not search:
        raise TrainError("empty_search", "There is nothing to search.", "Name a parameter and its range.", "search")
    return [_range(params, str(name), wanted) for name, wanted in search.items()]


def _range(params: Mapping[str, Param], name: str, wanted: Any) -> Range:
    param = params.get(name)
    if param is None or not param.tunable:
        known = ", ".join(p.name for p in params.values() if p.tunable)
        raise _refuse(name, f"“{name[:80]}” cannot be searched.", f"Choose from {known}.")
    if isinstance(wanted, list | tuple):
        return _choices(param, wanted)
    if isinstance(wanted, Mapping) and param.kind in {"int", "float"}:
        return _numbers(param, wanted)
    if isinstance(wanted, Mapping) and not wanted and (param.choices or param.kind == "bool"):
        return Range(name, choices=param.choices or (False, True))
    raise _refuse(name, f"“{name}” has no range that can be read.", 'Give {"low", "high"} or a list of values.')


def _choices(param: Param, wanted: Sequence[Any]) -> Range:
    if not 1 < len(wanted) <= MAX_CHOICES:
        raise _refuse(param.name, f"“{param.name}” has {len(wanted)} values.", f"Give 2 to {MAX_CHOICES}.")
    try:
        values = [param.validate(value) for value in wanted]
    except ParamError as error:
        raise _refuse(param.name, f"“{param.name}”: {error.message}.", "") from error
    unique = [value for place, value in enumerate(values) if value not in values[:place]]
    if len(unique) < len(values):
        raise _refuse(param.name, f"“{param.name}” names a value twice.", "Give each value once.")
    return Range(param.name, choices=tuple(unique))


def _numbers(param: Param, wanted: Mapping[str, Any]) -> Range:
    unknown = set(wanted) - RANGE_KEYS
    if unknown:
        detail = f"“{param.name}” has an unknown key “{str(min(unknown, key=str))[:80]}”."
        raise _refuse(param.name, detail, "Known are low, high, log.")
    try:
        low, high = (param.validate(wanted.get(end, getattr(param, end))) for end in ("low", "high"))
    except ParamError as error:
        raise _refuse(param.name, f"“{param.name}”: {error.message}.", "") from error
    log = wanted.get("log", param.log)
    if low is None or high is None or low >= high:
        raise _refuse(param.name, f"“{param.name}” runs from {low} to {high}.", "Give a low below its high.")
    if not isinstance(log, bool) or (log and low <= 0):
        raise _refuse(
            param.name, f"“{param.name}” cannot be searched on a log scale from {low}.", "Give a low above 0."
        )
    return Range(param.name, low, high, log, param.kind == "int")


def _refuse(name: str, detail: str, hint: str) -> TrainError:
    return TrainError("bad_search", detail, hint, f"search.{name[:80]}")


def suggest(
    where: Space,
    finished: Sequence[tuple[Mapping[str, Any], float]],
    *,
    seed: int,
    direction: str = "minimise",
    running: Sequence[Mapping[str, Any]] = (),
    number: int | None = None,
) -> dict[str, Any]:
    """Return the parameters to try next, given (params, value) of what was tried.

    `running` are trials without a value yet: they are taken as poor, so that parallel trials spread out. `number`
    counts the suggestions of this search (default: all trials given), so that two with the same past differ. The same
    arguments give the same suggestion. A finished trial whose value is not a number, or whose parameters lie outside
    the space, is left out.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    told = [(params, value) for params, value in finished if math.isfinite(value)]
    worst = max if direction == "minimise" else min
    pending = [(params, worst(value for _, value in told)) for params in running] if told else []
    drawn_before = len(finished) + len(running) if number is None else number
    sampler = optuna.samplers.TPESampler(seed=_seed(seed, drawn_before), n_startup_trials=8)
    study = optuna.create_study(sampler=sampler, direction="minimize" if direction == "minimise" else "maximize")
    space_ = {one.name: one.distribution() for one in where}
    for params, value in [*told, *pending]:
        if all(_inside(one, params) for one in where):
            known = {one.name: one.inward(params[one.name]) for one in where}
            study.add_trial(optuna.trial.create_trial(params=known, distributions=space_, value=value))
    drawn = study.ask(space_).params
    return {one.name: one.outward(drawn[one.name]) for one in where}


def _inside(one: Range, params: Mapping[str, Any]) -> bool:
    value = params.get(one.name)
    if one.choices:
        return value in one.choices
    return isinstance(value, int | float) and one.low <= value <= one.high


def _seed(seed: int, number: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:4], "big")
