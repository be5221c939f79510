"""Reading a list of steps against a table's schema: every mistake is found and named by its path."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from datasets.recipes.errors import RecipeError
from datasets.recipes.layout import Layout
from datasets.schema import Schema
from datasets.steps._around import NOTHING, Around
from datasets.steps._base import STEPS, Changes, Params, Step, StepError, Use
from plugins.params import ParamError, validate_params

MAX_STEPS = 100
KEYS = ("step", "columns", "params", "enabled", "automatic")
TARGET = "{name!r} is the target; a recipe may remove rows by it but not change it"


@dataclass(frozen=True, slots=True)
class Planned:
    """An enabled step with the columns and parameters that it will have; `index` is its place in the given list.

    `everything` says that the step works on all the columns that there are when its turn comes.
    """

    index: int
    step: Step
    use: Use
    everything: bool = False

    @property
    def field(self) -> str:
        return f"steps[{self.index}]"


@dataclass(frozen=True, slots=True)
class Plan:
    """The enabled steps, and the layout that they lead to as far as it is known before fitting."""

    steps: tuple[Planned, ...]
    layout: Layout


def plan(steps: Any, schema: Schema, target: str | None = None, around: Around = NOTHING) -> Plan:
    """Check the steps against the schema and choose the columns of each.

    The target is never changed: steps that choose their columns by themselves leave it out, and only a step that
    removes rows may name it. Raises RecipeError with every mistake.
    """
    layout, planned, errors = Layout.of(schema), [], []
    for index, entry in enumerate(_entries(steps)):
        try:
            item = _planned(index, entry, layout, target, around)
            if item is not None:
                layout = layout.after(_changes(item), item.field)
                planned.append(item)
        except RecipeError as error:
            errors += error.errors
    if errors:
        raise RecipeError(errors)
    return Plan(tuple(planned), layout)


def _entries(steps: Any) -> list[Any]:
    if not isinstance(steps, list):
        raise RecipeError.at("steps", "expected a list of steps")
    if len(steps) > MAX_STEPS:
        raise RecipeError.at("steps", f"{len(steps)} steps are too many; a recipe has at most {MAX_STEPS}")
    return steps


def read_steps(steps: Any) -> list[dict[str, Any]]:
    """The steps in their full form, with every parameter; whether they fit a table is not asked.

    Raises RecipeError for what is no step, or a parameter that its declaration refuses.
    """
    read, errors = [], []
    for index, entry in enumerate(_entries(steps)):
        try:
            read.append(_full(entry, f"steps[{index}]"))
        except RecipeError as error:
            errors += error.errors
    if errors:
        raise RecipeError(errors)
    return read


def columns_named(steps: Any) -> set[str]:
    """The columns that the enabled steps name, themselves or in a parameter; a table needs them even if no model does."""
    return {name for index, entry in enumerate(_entries(steps)) for name in _names_in(entry, f"steps[{index}]")}


def tables_named(steps: Any) -> list[str]:
    """The references of other tables that the enabled steps name, once each; none of steps that cannot be read."""
    found = []
    for index, entry in enumerate(steps if isinstance(steps, list) else []):
        try:
            step, params, _, enabled = _read(entry, f"steps[{index}]")
        except RecipeError:
            continue
        found += [params[p.name] for p in step.params if p.kind == "table" and params[p.name] and enabled]
    return list(dict.fromkeys(found))


def _names_in(entry: Any, field: str) -> list[str]:
    step, params, names, enabled = _read(entry, field)
    try:
        return [*names, *(name for _, name in step.named(params))] if enabled else []
    except StepError as error:
        raise RecipeError.at(f"{field}.{error.field}", error.message) from None


def _full(entry: Any, field: str) -> dict[str, Any]:
    step, params, names, enabled = _read(entry, field)
    return {"step": step.name, "columns": names, "params": dict(params), "enabled": enabled}


def _planned(index: int, entry: Any, layout: Layout, target: str | None, around: Around) -> Planned | None:
    """The step of one entry, or None where it is disabled."""
    field = f"steps[{index}]"
    step, params, names, enabled = _read(entry, field)
    if not enabled:
        return None
    choice = _Choice(step, params, layout, target, field)
    columns = choice.named(names) if names else choice.automatic()
    types = layout.types
    try:
        read = {name: types[name] for name in choice.read()}
        use = Use(
            {name: types[name] for name in columns},
            params,
            frozenset(types),
            read,
            target,
            types.get(target or "", ""),
            around,
        )
        step.check(use)
    except StepError as error:
        raise RecipeError.at(f"{field}.{error.field}", error.message) from None
    return Planned(index, step, use, everything=step.whole_row and not names)


def _changes(item: Planned) -> Changes:
    """What the step does to the columns, as far as it is known before fitting; the target must come through."""
    try:
        changes = item.step.changes(item.use, None)
    except StepError as error:
        raise RecipeError.at(f"{item.field}.{error.field}", error.message) from None
    target = item.use.target
    if target in changes.removed or any(target == made.name for made in changes.made):
        raise RecipeError.at(f"{item.field}.columns", TARGET.format(name=target))
    return changes


def _read(entry: Any, field: str) -> tuple[Step, Params, list[str], bool]:
    if not isinstance(entry, Mapping):
        raise RecipeError.at(field, 'expected an object such as {"step": "missing", "columns": [], "params": {}}')
    unknown = [str(key) for key in entry if key not in KEYS]
    if unknown:
        raise RecipeError.at(f"{field}.{unknown[0][:80]}", f"unknown key; known are {', '.join(KEYS)}")
    step = _step(entry.get("step"), field)
    names, enabled = entry.get("columns") or [], entry.get("enabled", True)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecipeError.at(f"{field}.columns", "expected a list of column names")
    if not isinstance(enabled, bool):
        raise RecipeError.at(f"{field}.enabled", f"got {str(enabled)[:80]!r}; expected true or false")
    return step, _params(step, entry.get("params"), field), names, enabled


def _step(name: Any, field: str) -> Step:
    if isinstance(name, str) and name in STEPS:
        return STEPS[name]
    known = STEPS.names()
    guess = _guess(str(name), known)
    raise RecipeError.at(f"{field}.step", f"there is no step {str(name)[:80]!r}{guess}; known are {', '.join(known)}")


def _params(step: Step, given: Any, field: str) -> Params:
    if not isinstance(given or {}, Mapping):
        raise RecipeError.at(f"{field}.params", "expected an object of parameters")
    texts = {param.name for param in step.params if param.kind == "text"}
    plain = {name: _text(value) if name in texts else value for name, value in (given or {}).items()}
    try:
        return validate_params(step.params, plain)
    except ParamError as error:
        raise RecipeError.at(f"{field}.params.{error.field[:80]}", error.message) from None


def _text(value: Any) -> Any:
    """A number or truth value that was given for a text parameter, such as the constant 0, as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which of the layout's columns one step works on; `field` is the step's path."""

    step: Step
    params: Params
    layout: Layout
    target: str | None
    field: str

    def named(self, names: list[str]) -> list[str]:
        """The named columns, once each; every name that cannot be used is an error of its own."""
        if not self.step.takes_columns:
            raise RecipeError.at(f"{self.field}.columns", "this step takes no columns; its parameters name them")
        objections = [(position, self._objection(name)) for position, name in enumerate(names)]
        errors = [{"field": f"{self.field}.columns[{at}]", "message": words} for at, words in objections if words]
        if errors:
            raise RecipeError(errors)
        return list(dict.fromkeys(names))

    def automatic(self) -> list[str]:
        """What an empty list of names stands for."""
        if not self.step.takes_columns:
            return []
        if self.step.names_columns:
            raise RecipeError.at(f"{self.field}.columns", "name the columns that this step works on")
        types = self.layout.types
        if self.step.whole_row:
            return list(types)
        suited = self.step.chosen(self.params)
        return [n for n, t in types.items() if t in suited and n != self.target and n not in self.layout.flags]

    def read(self) -> list[str]:
        """The columns that parameters name, once each. Raises StepError where the step cannot read its parameters."""
        named = self.step.named(self.params)
        objections = [(param, self._absent(name) or self._protected(name)) for param, name in named]
        errors = [{"field": f"{self.field}.params.{param}", "message": words} for param, words in objections if words]
        if errors:
            raise RecipeError(errors)
        return list(dict.fromkeys(name for _, name in named))

    def _absent(self, name: str) -> str:
        there = self.layout.types
        return "" if name in there else f"there is no column {name[:80]!r}{_guess(name, list(there))}"

    def _protected(self, name: str) -> str:
        return TARGET.format(name=name) if name == self.target and not self.step.training_only(self.params) else ""

    def _objection(self, name: str) -> str:
        """Why the step cannot take the column; empty when it can."""
        if absent := self._absent(name):
            return absent
        accepted, type_ = self.step.accepted(self.params), self.layout.types[name]
        if type_ not in accepted:
            return f"column {name[:80]!r} is {type_}; this step, so set, takes {' or '.join(accepted)}"
        return self._protected(name)


def _guess(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name[:80], known[:2000], n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def relocated(item: Planned, layout: Layout) -> Use:
    """The step's use on the layout that fitting has reached, which also holds the columns that categories became.

    Raises RecipeError when a column that the plan foresaw is not there.
    """
    there, taken = layout.types, frozenset(layout.types)
    if item.everything:
        return replace(item.use, columns=dict(there), taken=taken)
    lost = [name for name in item.use.types if name not in there]
    if lost:
        raise RecipeError.at(f"{item.field}.columns", f"there is no column {lost[0]!r} at this step")
    columns, read = ({name: there[name] for name in names} for names in (item.use.columns, item.use.read))
    return replace(item.use, columns=columns, taken=taken, read=read)
