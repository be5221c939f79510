"""How well each column of a table can serve as target, told from its profile alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from datasets.tables import Described
from training.engine.family import BINARY, MULTICLASS, REGRESSION
from training.engine.targets import FEW_VALUES, MAX_CLASSES, MIN_ROWS, NUMERIC, infer_task

TASK_WORDS: dict[str, str | Promise] = {
    REGRESSION: _("Predict a number"),
    BINARY: _("Tell two classes apart"),
    MULTICLASS: _("Tell several classes apart"),
}
GOOD, POSSIBLE, UNFIT = "good", "possible", "unfit"


@dataclass(frozen=True, slots=True)
class Suitability:
    """A column as target: the task that follows, the tasks that can be chosen instead, and what speaks against it."""

    column: str
    type: str
    verdict: str
    task: str
    tasks: tuple[str, ...]
    reason: str | Promise
    distinct: int
    missing: int

    @property
    def task_word(self) -> str | Promise:
        return TASK_WORDS.get(self.task, "")


def columns(table: Described) -> list[Suitability]:
    """Every column of the table, in its order."""
    profiled: Mapping[str, Any] = table.profile.get("by_column") or {}
    return [judge(c.name, c.type, profiled.get(c.name) or {}, table.rows) for c in table.schema]


def of(table: Described, name: str) -> Suitability | None:
    """The column of that name, or None."""
    return next((column for column in columns(table) if column.column == name), None)


def judge(name: str, type_: str, profile: Mapping[str, Any], rows: int) -> Suitability:
    """Judge one column. Without a profile only the type speaks."""
    missing = int(profile.get("missing") or 0)
    known = rows - missing
    distinct = int(profile.get("distinct") or (0 if profile else 3))
    tasks = _tasks(type_, distinct, known)
    verdict, reason = _verdict(type_, distinct, known, missing, tasks)
    task = infer_task(type_, distinct) if tasks else ""
    return Suitability(
        name, type_, verdict, task if task in tasks else (*tasks, "")[0], tasks, reason, distinct, missing
    )


def _tasks(type_: str, distinct: int, known: int) -> tuple[str, ...]:
    if distinct < 2 or known < MIN_ROWS or type_ in {"date", "datetime"}:
        return ()
    classes: tuple[str, ...] = (BINARY,) if distinct == 2 else (MULTICLASS,)
    fitting = classes if distinct <= min(MAX_CLASSES, known // 2) else ()
    return (*fitting, REGRESSION) if type_ in NUMERIC else fitting


def _verdict(type_: str, distinct: int, known: int, missing: int, tasks: tuple[str, ...]) -> tuple[str, str | Promise]:
    if type_ in {"date", "datetime"}:
        return UNFIT, _("Holds dates; turn it into a number or a category first.")
    if known < MIN_ROWS:
        return UNFIT, _("Known in too few rows.")
    if distinct < 2:
        return UNFIT, _("Has the same value in every row.")
    if not tasks:
        return UNFIT, _("Has too many different values to be classes, like an identifier or free text.")
    if distinct == known and type_ == "integer" and distinct > FEW_VALUES:
        return POSSIBLE, _("Differs in every row: it may be an identifier.")
    if missing:
        return POSSIBLE, _("Rows where it is missing are left out.")
    return GOOD, ""
