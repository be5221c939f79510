"""What a person asks a training to do, checked against the table that they get before anything is made.

`check` finds every mistake and names it by its field; what it returns is complete: no default is left to the worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from datasets.models import Recipe
from datasets.recipe import NOTHING, Around, RecipeError, plan
from datasets.schema import Schema
from datasets.tables import Described
from plugins.params import ParamError, validate_params
from rest.problems import Refused
from training import suitability
from training.engine import demands, presets, split
from training.engine.demands import Demands
from training.engine.errors import TrainError
from training.engine.family import FAMILIES

MAX_SEED = 2**31 - 1
MOST_CATEGORIES = 50  # what the automatic encoding makes of a text column, at most
TIME_LIMIT = (1.0, 86_400.0)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for; None and empty mean: choose for me."""

    target: str
    task: str | None = None
    preset: str | None = None
    family: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    features: list[str] | None = None
    time_limit: float | None = None
    seed: int = 0
    split: Mapping[str, Any] = field(default_factory=dict)
    weight: str | None = None
    class_weight: str = demands.NONE
    monotone: Mapping[str, int] = field(default_factory=dict)
    latency_ms: float | None = None

    @property
    def demands(self) -> Demands:
        return Demands(self.weight or None, self.class_weight, dict(self.monotone), self.latency_ms)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A training, settled: the columns of TrainingRun that say what it does."""

    steps: list[dict[str, Any]]
    features: list[str]
    target: str
    task: str
    preset: str
    family: str
    params: dict[str, Any]
    candidates: list[dict[str, Any]]
    seed: int
    split: dict[str, Any]
    time_limit: float | None
    estimate_seconds: float | None
    explanation: list[str]
    weight: str = ""
    class_weight: str = demands.NONE
    monotone: dict[str, int] = field(default_factory=dict)
    latency_ms: float | None = None

    @property
    def demands(self) -> Demands:
        return Demands(self.weight or None, self.class_weight, self.monotone, self.latency_ms)

    def columns(self) -> dict[str, Any]:
        """The fields as TrainingRun stores them."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "explanation"}


class _Planned(NamedTuple):
    candidates: list[dict[str, Any]]
    time_limit: float | None
    seconds: float
    explanation: list[str]


class _Faults(list[dict[str, str]]):
    """Collects mistakes, so that one answer names them all."""

    def add(self, where: str, message: object) -> None:
        self.append({"field": where, "message": str(message)})

    def refuse(self) -> None:
        if self:
            detail = _("The training cannot start as asked: %s.") % ", ".join(sorted({f["field"] for f in self}))
            raise Refused("invalid", detail, status=422, errors=self)


def check(table: Described, recipe: Recipe | None, request: Request, others: Around = NOTHING) -> Configuration:
    """Return the settled configuration. Raises Refused (422) with every field that cannot be used."""
    faults = _Faults()
    task = _task(table, request, faults)
    steps = _steps(recipe, table, request, others, faults)
    features = _features(table.schema, request, faults)
    shares = _split(request, faults)
    _demands(table.schema, request, task, features, faults)
    _number(request.seed, 0, MAX_SEED, "seed", faults)
    _number(request.time_limit, *TIME_LIMIT, "time_limit", faults)
    _one_way(request, faults)
    family, params = _family(request, task, faults)
    faults.refuse()
    candidates = [{"family": family, "params": params}] if family else []
    planned = _plan(table, features, request, candidates, task)
    return Configuration(
        steps=steps,
        features=features,
        target=request.target,
        task=task,
        preset="" if family else request.preset or presets.DEFAULT,
        family=family,
        params=params,
        candidates=planned.candidates,
        seed=request.seed,
        split=shares,
        time_limit=planned.time_limit,
        estimate_seconds=planned.seconds,
        explanation=planned.explanation,
        weight=request.weight or "",
        class_weight=request.class_weight,
        monotone=dict(request.monotone),
        latency_ms=request.latency_ms,
    )


def _demands(schema: Schema, request: Request, task: str, features: list[str], faults: _Faults) -> None:
    """What is asked besides must fit the table, the task, and the family where one was chosen."""
    asked, family = request.demands, FAMILIES[request.family] if request.family in FAMILIES.names() else None
    found = list(demands.faults(asked, schema, request.target, features, request.split.get("by")))
    if task:
        found += demands.task_faults(asked, task)
    if family:
        found += demands.family_faults(asked, family)
    for fault in found:
        faults.add(fault.field, f"{fault.detail} {fault.hint}".strip())


def _task(table: Described, request: Request, faults: _Faults) -> str:
    """The task, given or told from the target's column; the mistakes of both."""
    if request.target not in table.schema:
        known = ", ".join(table.schema.names[:20])
        faults.add(
            "target",
            _("there is no column “%(got)s”; known are %(known)s") % {"got": request.target[:80], "known": known},
        )
        return ""
    column = suitability.of(table, request.target)
    if column is None or not column.tasks:
        faults.add("target", column.reason if column else _("this column cannot be predicted"))
        return ""
    if request.task and request.task not in column.tasks:
        words = {"got": request.task[:40], "fits": ", ".join(column.tasks), "column": request.target[:80]}
        faults.add("task", _("got “%(got)s”; for “%(column)s” choose from %(fits)s") % words)
    return request.task or column.task


def _steps(
    recipe: Recipe | None, table: Described, request: Request, others: Around, faults: _Faults
) -> list[dict[str, Any]]:
    if recipe is None:
        return []
    if recipe.dataset_id != table.version.dataset_id:
        faults.add("recipe", _("this recipe prepares another data set"))
        return []
    try:
        plan(recipe.steps, table.schema, request.target if request.target in table.schema else None, others)
    except RecipeError as error:
        for one in error.errors:
            faults.add(f"recipe.{one['field']}", one["message"])
    return list(recipe.steps)


def _features(schema: Schema, request: Request, faults: _Faults) -> list[str]:
    """The columns to learn from: those given, or all but the target, the weights and the groups."""
    if not request.features:
        apart = {request.target, *demands.not_features(request.demands, request.split)}
        return [name for name in schema.names if name not in apart]
    for place, name in enumerate(request.features):
        if name not in schema:
            faults.add(f"features[{place}]", _("there is no column “%s”") % name[:80])
        elif name == request.target:
            faults.add(f"features[{place}]", _("this is the target; take it out of the features"))
    return list(dict.fromkeys(request.features))


def _split(request: Request, faults: _Faults) -> dict[str, Any]:
    shares = {**split.DEFAULT, **request.split}
    try:
        split.check(shares)
    except TrainError as error:
        faults.add(error.field, f"{error.detail} {error.hint}".strip())
    return shares


def _number(value: float | None, low: float, high: float, where: str, faults: _Faults) -> None:
    if value is not None and not low <= value <= high:
        faults.add(
            where,
            _("got %(got)g; expected a number from %(low)g to %(high)g") % {"got": value, "low": low, "high": high},
        )


def _family(request: Request, task: str, faults: _Faults) -> tuple[str, dict[str, Any]]:
    """The one family that was chosen with all its parameters, or nothing for a preset."""
    if not request.family:
        return "", {}
    if request.family not in FAMILIES:
        words = {"got": request.family[:40], "known": ", ".join(FAMILIES.names())}
        faults.add("family", _("there is no family “%(got)s”; known are %(known)s") % words)
        return "", {}
    family = FAMILIES[request.family]
    if task and task not in family.tasks:
        faults.add("family", _("%(family)s does not learn %(task)s") % {"family": family.label, "task": task})
    try:
        params = validate_params(family.params, request.params)
        if task:
            family.check(params, task)
    except ParamError as error:
        faults.add(f"params.{error.field[:80]}", error.message)
    except TrainError as error:
        faults.add(error.field or "params", f"{error.detail} {error.hint}".strip())
    else:
        return family.name, params
    return "", {}


def _one_way(request: Request, faults: _Faults) -> None:
    if request.preset and request.preset not in presets.PRESETS:
        words = {"got": request.preset[:40], "known": ", ".join(presets.PRESETS)}
        faults.add("preset", _("got “%(got)s”; choose from %(known)s") % words)
    if request.preset and request.family:
        faults.add("preset", _("give a preset or a family with its parameters, not both"))
    if request.params and not request.family:
        faults.add("family", _("parameters belong to a family: name it"))


def _plan(
    table: Described, features: list[str], request: Request, candidates: list[dict[str, Any]], task: str
) -> _Planned:
    """The preset's candidates, or the one that was chosen, with an estimate of their time."""
    column = suitability.of(table, request.target)
    size: dict[str, Any] = {
        "rows": table.rows,
        "features": _numbers_read(table, features),
        "task": task,
        "classes": column.distinct if column else 3,
        "time_limit": request.time_limit,
    }
    if not candidates:
        found = presets.plan(preset=request.preset or presets.DEFAULT, **size)
        return _Planned(found.candidates, found.time_limit, found.seconds, found.explanation)
    seconds = presets.estimate(candidates, **size)
    label = FAMILIES[candidates[0]["family"]].label
    return _Planned(candidates, request.time_limit, seconds, [f"{label}: about {seconds:.0f} s."])


def _numbers_read(table: Described, features: list[str]) -> int:
    """About how many numbers a model will read: a text column becomes one for each of its frequent values."""
    profiled: Mapping[str, Any] = table.profile.get("by_column") or {}
    widths = {"text": 0, "date": 3, "datetime": 4}
    count = 0
    for column in table.schema:
        if column.name in features:
            distinct = int((profiled.get(column.name) or {}).get("distinct") or 1)
            count += widths.get(column.type, 1) or min(distinct, MOST_CATEGORIES)
    return max(1, count)
