"""What a starting point declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FINANCE, MEDICINE, MANUFACTURING, RETAIL = "Finance", "Medicine", "Manufacturing", "Retail"
FIELDS = (FINANCE, MEDICINE, MANUFACTURING, RETAIL)


@dataclass(frozen=True)
class Column:
    """A column that the use asks for. `types` are those of the schema that fit; `known_as` are names in other tables.

    The first name is the example's own. A column that is `optional` is left out where a table has nothing like it.
    """

    name: str
    types: tuple[str, ...]
    help: str
    known_as: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Costs:
    """What each mistake of a yes/no decision costs, in `unit`. `event` is the outcome that is looked for.

    `missed`: it came and was not foreseen; `false_alarm`: it was foreseen and did not come.
    """

    event: str
    missed: float
    false_alarm: float
    unit: str

    @property
    def threshold(self) -> float:
        """The probability above which acting costs less than waiting (Elkan 2001): c_false / (c_false + c_missed)."""
        return self.false_alarm / (self.false_alarm + self.missed)


@dataclass(frozen=True)
class Paragraph:
    """A part of the page that explains the use."""

    title: str
    text: str


@dataclass(frozen=True)
class StartingPoint:
    """One use. `steps` is its recipe and `training` what is asked of the run, both over the columns' own names;
    `example` makes the bytes of a CSV file that holds these columns, for a data set called `example_name`.
    """

    name: str
    label: str
    field: str
    icon: str
    help: str
    question: str
    columns: tuple[Column, ...]
    target: Column
    training: Mapping[str, Any]
    example_name: str
    example_help: str
    is_simulated: bool
    example: Callable[[], bytes]
    explanation: tuple[Paragraph, ...]
    steps: tuple[Mapping[str, Any], ...] = ()
    costs: Costs | None = None

    @property
    def asked(self) -> tuple[Column, ...]:
        """Every column, the target last."""
        return (*self.columns, self.target)

    @property
    def needed(self) -> tuple[Column, ...]:
        return tuple(column for column in self.asked if not column.optional)


@dataclass(frozen=True)
class Mapped:
    """A starting point over a table's own columns: what a recipe and a run are made of."""

    target: str
    features: list[str]
    steps: list[dict[str, Any]] = field(default_factory=list)
    training: dict[str, Any] = field(default_factory=dict)


def over(point: StartingPoint, mapping: Mapping[str, str]) -> Mapped:
    """The declaration with the table's names for the columns. `mapping` holds every needed column, others as there are."""
    features = [mapping[column.name] for column in point.columns if column.name in mapping]
    steps = [_step(step, mapping) for step in point.steps]
    training = {**point.training}
    if "monotone" in training:
        training["monotone"] = {mapping[n]: way for n, way in training["monotone"].items() if n in mapping}
    return Mapped(mapping[point.target.name], features, [step for step in steps if step["columns"]], training)


def _step(step: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    columns = [mapping[name] for name in step["columns"] if name in mapping]
    return {"step": step["step"], "columns": columns, "params": dict(step.get("params") or {}), "enabled": True}


def match(point: StartingPoint, names: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The likely mapping onto a table's (name, type) columns: equal names first, then those that it is known as.

    Case and separators do not count, and no column is taken twice.
    """
    found: dict[str, str] = {}
    for exact in (True, False):
        for column in point.asked:
            wanted = {_plain(column.name)} if exact else {_plain(name) for name in column.known_as}
            fitting = (n for n, type_ in names if type_ in column.types and _plain(n) in wanted)
            free = next((n for n in fitting if n not in found.values()), None)
            if column.name not in found and free is not None:
                found[column.name] = free
    return found


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
