"""Tuning: what may be searched, and which parameters to try next.

The finished trials are the state; they live wherever the caller keeps them. Each suggestion rebuilds an Optuna study in
memory from them, so that trials can run anywhere and a study survives anything.
Bergstra et al. 2011, Algorithms for hyper-parameter optimization (TPE), over all parameters together (Falkner et al.
2018, BOHB). Trials that broke a limit are ranked by how far they broke it, below all that kept within.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from plugins.params import Param, ParamError
from training.engine.errors import TrainError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MAX_CHOICES = 50
RANGE_KEYS = {"low", "high", "log"}
AT_RANDOM = 8  # trials before the search has learned anything


@dataclass(frozen=True)
class Range:
    """Where one parameter is drawn from: between two numbers, or one of `choices`.

    `when` = (name, values): it is drawn only in trials in which that other searched parameter has one of these values.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[Any, ...] = ()
    when: tuple[str, tuple[Any, ...]] | None = None

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

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Whether the parameter stands in `params` with a value of this range."""
        value = params.get(self.name)
        if self.choices:
            return self.name in params and value in self.choices
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def place(self, value: Any) -> float:
        """Where a value lies, from 0 at the low end to 1 at the high one."""
        if self.choices:
            return self.choices.index(value) / max(1, len(self.choices) - 1)
        low, high, at = (math.log(x) if self.log else float(x) for x in (self.low, self.high, value))
        return (at - low) / (high - low)

    def drawn_with(self, params: Mapping[str, Any]) -> bool:
        """Whether the parameters drawn so far call for this one."""
        return self.when is None or params.get(self.when[0]) in self.when[1]


Space = Sequence[Range]


def space(declared: Iterable[Param], search: Mapping[str, Any]) -> list[Range]:
    """Return the search space of a request {param: {"low", "high", "log"} or [choices]}, checked against declarations.

    What is left out is as declared: the range that is usually searched, or else all that is allowed. Raises TrainError
    whose field names the parameter.
    """
    params = {param.name: param for param in declared}
    if not isinstance(search, Mapping) or not search:
        raise TrainError("empty_search", "There is nothing to search.", "Name a parameter and its range.", "search")
    found = [_range(params, str(name), wanted) for name, wanted in search.items()]
    return sorted((_conditional(one, params, search) for one in found), key=lambda one: one.when is not None)


def default_search(declared: Iterable[Param]) -> dict[str, Any]:
    """What is worth searching by the declarations, as a request for `space`."""
    tunable = [param for param in declared if param.tunable]
    return {p.name: p.search for p in tunable if p.search} or {
        p.name: {} for p in tunable if p.kind != "ints" and not p.when
    }


def _conditional(one: Range, params: Mapping[str, Param], search: Mapping[str, Any]) -> Range:
    """A parameter that another one calls for waits for it where that one is searched too."""
    when = params[one.name].when
    return replace(one, when=when) if when is not None and when[0] in search else one


def _range(params: Mapping[str, Param], name: str, wanted: Any) -> Range:
    param = params.get(name)
    if param is None or not param.tunable:
        known = ", ".join(p.name for p in params.values() if p.tunable)
        raise _refuse(name, f"“{name[:80]}” cannot be searched.", f"Choose from {known}.")
    if isinstance(wanted, Mapping) and not wanted and isinstance(param.search, list | tuple):
        wanted = param.search
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
    usual = param.search if isinstance(param.search, Mapping) else {}
    wanted = {"low": param.low, "high": param.high, "log": param.log, **usual, **wanted}
    try:
        low, high = (param.validate(wanted[end]) for end in ("low", "high"))
    except ParamError as error:
        raise _refuse(param.name, f"“{param.name}”: {error.message}.", "") from error
    log = wanted["log"]
    if low is None or high is None or low >= high:
        raise _refuse(param.name, f"“{param.name}” runs from {low} to {high}.", "Give a low below its high.")
    if not isinstance(log, bool) or (log and low <= 0):
        raise _refuse(
            param.name, f"“{param.name}” cannot be searched on a log scale from {low}.", "Give a low above 0."
        )
    return Range(param.name, low, high, log, param.kind == "int")


def _refuse(name: str, detail: str, hint: str) -> TrainError:
    return TrainError("bad_search", detail, hint, f"search.{name[:80]}")


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one trial.

    A finished one has its `value`; a pruned one the units that it came to and its loss there; one that runs or that
    failed has neither. `excess` says by how much, as shares, each limit was broken (at most 0: kept).
    """

    params: Mapping[str, Any]
    value: float | None = None
    pruned: tuple[int, float] | None = None
    excess: Mapping[str, float] | None = None
    running: bool = False


def suggest(
    where: Space, tried: Sequence[Tried], *, seed: int, direction: str = "minimise", number: int | None = None
) -> dict[str, Any]:
    """Return the parameters to try next, given what was tried.

    Trials that run are kept at a distance, so that parallel ones spread out; failed ones count as the poorest. `number`
    counts the suggestions of this search (default: all trials given), so that two with the same past differ. The same
    arguments give the same suggestion. A trial whose parameters lie outside the space is left out.
    """
    import warnings

    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=_seed(seed, len(tried) if number is None else number),
            n_startup_trials=AT_RANDOM,
            multivariate=True,
            group=True,
            constant_liar=True,
        )
    study = optuna.create_study(sampler=sampler, direction="minimize" if direction == "minimise" else "maximize")
    for one in tried:
        if _within(where, one.params):
            study.add_trial(_told(where, one))
    trial = study.ask()
    drawn: dict[str, Any] = {}
    for one_ in where:
        if one_.drawn_with(drawn):
            drawn[one_.name] = one_.outward(_draw(trial, one_))
    return drawn


def _draw(trial: Any, one: Range) -> Any:
    if one.choices:
        return trial.suggest_categorical(one.name, list(range(len(one.choices))))
    if one.whole:
        return trial.suggest_int(one.name, int(one.low), int(one.high), log=one.log)
    return trial.suggest_float(one.name, one.low, one.high, log=one.log)


def _told(where: Space, one: Tried) -> Any:
    from optuna.trial import TrialState, create_trial

    drawn = [each for each in where if each.name in one.params and each.drawn_with(one.params)]
    known = {each.name: each.inward(one.params[each.name]) for each in drawn}
    shared: dict[str, Any] = {"params": known, "distributions": {each.name: each.distribution() for each in drawn}}
    if one.running:
        return create_trial(state=TrialState.RUNNING, **shared)
    if one.value is not None and math.isfinite(one.value):
        return create_trial(value=one.value, constraints=dict(one.excess or {}) or None, **shared)
    reached = {one.pruned[0]: one.pruned[1]} if one.pruned else {}
    return create_trial(state=TrialState.PRUNED, intermediate_values=reached, **shared)


def _within(where: Space, params: Mapping[str, Any]) -> bool:
    return all(one.holds(params) for one in where if one.drawn_with(params))


def _seed(seed: int, number: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:4], "big")
