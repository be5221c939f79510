"""Whether a table has what a model reads: said before anything is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datasets.schema import Schema
from serving.runtime.inputs import Input

# What is read for a column of each type. A number that is no whole one is then refused row by row.
TAKES = {
    "integer": ("integer", "number"),
    "number": ("number", "integer"),
    "boolean": ("boolean",),
    "text": ("text",),
    "date": ("date",),
    "datetime": ("datetime", "date"),
}


@dataclass(frozen=True, slots=True)
class Match:
    """One column of the model in the table: `state` is fits, absent (then missing in every row), lacking (absent, but
    needed) or other-type; `found` the table's type, "" where it has no such column."""

    name: str
    type: str
    found: str
    state: str

    @property
    def stops(self) -> bool:
        return self.state in ("lacking", "other-type")


def matches(inputs: Sequence[Input], schema: Schema) -> list[Match]:
    """Each column that the model reads, beside what the table has under its name."""
    types = {column.name: column.type for column in schema.columns}
    return [_match(each, types.get(each.name, "")) for each in inputs]


def _match(wanted: Input, found: str) -> Match:
    if not found:
        return Match(wanted.name, wanted.type, found, "lacking" if wanted.required else "absent")
    return Match(wanted.name, wanted.type, found, "fits" if found in TAKES[wanted.type] else "other-type")
