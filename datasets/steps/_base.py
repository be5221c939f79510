"""What a preparation step is: a declaration, and one function for each of the recipe's readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datasets.schema import TYPES
from datasets.steps._around import NOTHING, Around
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

    `read` are further columns that the parameters name, `taken` the names of all the table's columns before the step,
    and `target` the column that a model is to predict, of `target_type`, where one is known. `around` gives what lies
    outside the table.
    """

    columns: Mapping[str, str]
    params: Params
    taken: frozenset[str] = frozenset()
    read: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    target_type: str = ""
    around: Around = NOTHING

    @property
    def types(self) -> dict[str, str]:
        """Every column that the step reads, with its type."""
        return {**self.columns, **self.read}

    def new(self, name: str) -> str:
        """A name for a made column: the given one, lengthened where the table already has such a column."""
        while name in self.taken:
            name += "_"
        return name


@dataclass(frozen=True, slots=True)
class Made:
    """A column that a step makes or gives another type; `source` is the column, or columns, it is computed from.

    A `flag` (0 or 1: a category, a mark) is already fit for a model: later steps take it only when it is named.
    """

    name: str
    type: str
    source: str | tuple[str, ...]
    flag: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,) if isinstance(self.source, str) else self.source


@dataclass(frozen=True, slots=True)
class Changes:
    """How a step changes the table's columns: `made` replaces a column of the same name or is appended."""

    made: tuple[Made, ...] = ()
    removed: tuple[str, ...] = ()


def nothing_learned(_table: pl.DataFrame, _use: Use) -> Learned:
    return {}


def no_changes(_use: Use, _learned: Learned | None) -> Changes:
    return Changes()


def no(_params: Params) -> bool:
    return False


def reads_nothing(_params: Params) -> dict[str, list[str]]:
    return {}


def accepts_params(_use: Use) -> None:
    """Most steps need no check beyond each parameter's own declaration."""


def leaves_row(_code: RowCode, _use: Use, _learned: Learned) -> None:
    """A step that only removes training rows does nothing to the one row of a prediction."""


@dataclass(frozen=True, slots=True)
class Step:
    """A preparation step, declared as data.

    `bulk(frame, use, learned)` adds the step to a lazy polars frame. `fit(table, use)` returns what it learns from the
    training rows as JSON; `table` holds the columns that the step reads, each in one chunk. `row(code, use, learned)`
    writes the same arithmetic for one row. `train(frame, use, learned)`, where there is one, is what the training rows
    get instead of `bulk`. `changes(use, learned)` says what happens to the columns; before fitting, `learned` is None
    and columns that depend on the data are left out.

    `types(params)` are the column types that the step takes, the first argument of `default_types` those it chooses by
    itself when no column is named. `reads(params)` are the columns that a parameter names beside those of the kinds
    column and columns, by parameter. `training_only(params)` steps work on training rows only, never at prediction:
    they remove or add rows. A step that `needs_target(params)` finds the target's column in `table`. `check(use)`
    raises StepError for parameters that contradict each other or the columns.
    """

    name: str
    label: str
    help: str
    icon: str
    group: str
    bulk: Callable[[pl.LazyFrame, Use, Learned], pl.LazyFrame]
    applies_to: tuple[str, ...] = TYPES
    params: tuple[Param, ...] = ()
    fit: Callable[[pl.DataFrame, Use], Learned] = nothing_learned
    row: Callable[[RowCode, Use, Learned], None] = leaves_row
    train: Callable[[pl.LazyFrame, Use, Learned], pl.LazyFrame] | None = None
    changes: Callable[[Use, Learned | None], Changes] = no_changes
    check: Callable[[Use], None] = accepts_params
    reads: Callable[[Params], Mapping[str, Sequence[str]]] = reads_nothing
    training_only: Callable[[Params], bool] = no
    needs_target: Callable[[Params], bool] = no
    types: Callable[[Params], tuple[str, ...]] | None = None
    default_types: tuple[str, ...] | None = None
    names_columns: bool = False  # the columns must be named: an empty list does not mean all
    takes_columns: bool = True  # False: its parameters alone say what it works on
    weight: int = 1  # how many times the work of an ordinary step: a preview then measures fewer rows
    whole_row: bool = False  # an empty list means every column, the target and flags too

    def accepted(self, params: Params) -> tuple[str, ...]:
        """The column types that the step takes with these parameters."""
        return self.types(params) if self.types else self.applies_to

    def chosen(self, params: Params) -> tuple[str, ...]:
        """The column types that an empty list of columns stands for."""
        accepted = self.accepted(params)
        return tuple(t for t in self.default_types if t in accepted) if self.default_types else accepted

    def named(self, params: Params) -> list[tuple[str, str]]:
        """The columns that parameters name, each after its parameter."""
        own = [(p.name, name) for p in self.params for name in p.columns(params[p.name])]
        return own + [(param, name) for param, names in self.reads(params).items() for name in names]


GROUPS = ("Clean", "Fill", "Scale", "Encode", "Dates", "Text", "Columns", "Rows", "Combine", "Privacy", "Augment")
# Under whatever name this package lies: an exported model carries it along under another one.
STEPS: Registry[Step] = Registry(__name__.rpartition(".")[0], "STEP")
