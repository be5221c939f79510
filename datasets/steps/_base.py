"""What a preparation step is: a declaration, and one function for each of the recipe's readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datasets.schema import TYPES
from datasets.steps._rowcode import RowCode
from plugins.params import Param
from plugins.registry import Registry

if TYPE_CHECKING:
    import polars as pl

Learned = dict[str, Any]
Params = Mapping[str, Any]


class StepError(ValueError):
    """What a step cannot do with the columns, parameters or values that it was given. `field` names the part."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a step: the columns that it works on, each with its type, and its validated parameters.

    `taken` are the names of all the table's columns before the step.
    """

    columns: Mapping[str, str]
    params: Params
    taken: frozenset[str] = frozenset()

    def new(self, name: str) -> str:
        """A name for a made column: the given one, lengthened where the table already has such a column."""
        while name in self.taken:
            name += "_"
        return name


@dataclass(frozen=True, slots=True)
class Made:
    """A column that a step makes or gives another type; `source` is the column it is computed from.

    A `flag` (0 or 1: a category, a mark) is already fit for a model: later steps take it only when it is named.
    """

    name: str
    type: str
    source: str
    flag: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """How a step changes the table's columns: `made` replaces a column of the same name or is appended."""

    made: tuple[Made, ...] = ()
    removed: tuple[str, ...] = ()


def nothing_learned(_table: pl.DataFrame, _use: Use) -> Learned:
    return {}


def no_changes(_use: Use, _learned: Learned | None) -> Changes:
    return Changes()


def keeps_rows(_params: Params) -> bool:
    return False


def accepts_params(_use: Use) -> None:
    """Most steps need no check beyond each parameter's own declaration."""


def leaves_row(_code: RowCode, _use: Use, _learned: Learned) -> None:
    """A step that only removes training rows does nothing to the one row of a prediction."""


@dataclass(frozen=True, slots=True)
class Step:
    """A preparation step, declared as data.

    `bulk(frame, use, learned)` adds the step to a lazy polars frame. `fit(table, use)` returns what it learns from the
    training rows as JSON; `table` holds the used columns, each in one chunk. `row(code, use, learned)` writes the same
    arithmetic for one row. `changes(use, learned)` says what happens to the columns; before fitting, `learned` is None
    and columns that depend on the data are left out. `types(params)` are the column types that the step takes, the
    first argument of `default_types` those it chooses by itself when no column is named. `removes_rows(params)` steps
    work on training rows only, never at prediction. `check(use)` raises StepError for parameters that contradict each
    other or the columns.
    """

    name: str
    label: str
    help: str
    icon: str
    bulk: Callable[[pl.LazyFrame, Use, Learned], pl.LazyFrame]
    applies_to: tuple[str, ...] = TYPES
    params: tuple[Param, ...] = ()
    fit: Callable[[pl.DataFrame, Use], Learned] = nothing_learned
    row: Callable[[RowCode, Use, Learned], None] = leaves_row
    changes: Callable[[Use, Learned | None], Changes] = no_changes
    check: Callable[[Use], None] = accepts_params
    removes_rows: Callable[[Params], bool] = keeps_rows
    types: Callable[[Params], tuple[str, ...]] | None = None
    default_types: tuple[str, ...] | None = None
    names_columns: bool = False  # the columns must be named: an empty list does not mean all
    whole_row: bool = field(default=False)  # an empty list means every column, the target and flags too

    def accepted(self, params: Params) -> tuple[str, ...]:
        """The column types that the step takes with these parameters."""
        return self.types(params) if self.types else self.applies_to

    def chosen(self, params: Params) -> tuple[str, ...]:
        """The column types that an empty list of columns stands for."""
        accepted = self.accepted(params)
        return tuple(t for t in self.default_types if t in accepted) if self.default_types else accepted


STEPS: Registry[Step] = Registry("datasets.steps", "STEP")
