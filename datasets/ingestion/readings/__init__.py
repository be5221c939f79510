"""Typing text columns: a column gets a type only if every value prints back to the text that was read.

A *reading* is one way to understand text: as whole numbers, as dates with the day first, and so on. Leading zeros,
`29E5` and whole numbers beyond 64 bits print back differently, so they stay text. Where two readings fit every value
and disagree (01/02/2024), none is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasets.ingestion.readings import _dates, _numbers
from datasets.schema import TYPES

if TYPE_CHECKING:
    import pyarrow as pa

MISSING: tuple[str, ...] = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "-", "?")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand text. `parse` returns None unless every present value fits and prints back.

    `shape` is a pattern that every value of the reading has; `noun` says what a value without it is not. A reading
    without a shape is taken only if every value fits.
    """

    name: str
    type: str
    parse: Callable[[pa.Array], pa.Array | None]
    label: str = ""
    shape: str = ""
    noun: str = ""


def _boolean(true: str, false: str) -> Callable[[pa.Array], pa.Array | None]:
    def parse(cells: pa.Array) -> pa.Array | None:
        import pyarrow.compute as pc

        values = pc.equal(cells, true)
        found = (pc.sum(each).as_py() or 0 for each in (values, pc.equal(cells, false)))
        return values if sum(found) == len(cells) - cells.null_count else None

    return parse


_YEAR_FIRST, _DAY_FIRST, _MONTH_FIRST = ("ymd", "/.-"), ("dmy", "/.-"), ("mdy", "/-")
_CHINESE = _dates.shape("ymd", "年", "月", "日")


def _separated(name: str, order: str, separators: str) -> Reading:
    pattern = _dates.shape(order, f"[{separators}]", f"[{separators}]")
    return Reading(name, "date", _dates.written(order, separators), f"dates with the {name}", pattern, "such date")


_ALL = (
    Reading("integer", "integer", _numbers.integer, "", _numbers.WHOLE, "whole number"),
    Reading("number", "number", _numbers.number, "", _numbers.POINTED, "number"),
    Reading(
        "decimal comma", "number", _numbers.decimal_comma, "numbers with a decimal comma", _numbers.WITH_COMMA, "such number"
    ),
    Reading(
        "thousands comma", "number", _numbers.thousands_comma, "numbers with commas between the thousands",
        _numbers.IN_THOUSANDS, "such number",
    ),
    Reading("true", "boolean", _boolean("true", "false")),
    Reading("True", "boolean", _boolean("True", "False")),
    Reading("TRUE", "boolean", _boolean("TRUE", "FALSE")),
    Reading("date", "date", _dates.day, "", _dates.DAY, "date"),
    Reading("datetime", "datetime", _dates.time, "", _dates.TIME, "date with a time"),
    Reading("datetime utc", "datetime", _dates.time_utc, "times in UTC", _dates.TIME_UTC, "such time"),
    _separated("year first", *_YEAR_FIRST),
    Reading(
        "year month day", "date", _dates.written_with(_CHINESE), "dates such as 2024年1月31日", _CHINESE, "such date"
    ),
    _separated("day first", *_DAY_FIRST),
    _separated("month first", *_MONTH_FIRST),
)  # fmt: skip
# What the file itself types is taken as it is; no text is tried against these.
_GIVEN = tuple(Reading(f"given {kind}", kind, lambda cells: None) for kind in TYPES)
READINGS: Mapping[str, Reading] = {reading.name: reading for reading in (*_ALL, *_GIVEN)}
EVERY: tuple[str, ...] = tuple(reading.name for reading in _ALL)
_RIVALS = {"day first": ("month first",), "decimal comma": ("thousands comma",)}


def rivals(readings: tuple[str, ...]) -> bool:
    """Answer whether two readings are left that disagree, so that neither may be chosen."""
    return bool(readings) and any(other in _RIVALS.get(readings[0], ()) for other in readings[1:])


def also_fits(name: str, others: tuple[str, ...], values: pa.Array, cells: pa.Array) -> tuple[str, ...]:
    """Of `others`, those that text which fits the reading `name` may fit too, so that a later block can change to them.

    A later pass checks them against the text again: what is cheap to know here may be a little too generous.
    """
    if bounds := {other: most for other, most in _BOUNDS.get(name, {}).items() if other in others}:
        largest = _largest(values)
        others = tuple(other for other in others if largest <= bounds.get(other, float("inf")))
    tested = _TESTED.get(name, ())
    return tuple(
        other for other in others
        if other in _WIDER.get(name, ()) or (other in tested and READINGS[other].parse(cells) is not None)
    )  # fmt: skip


# The largest number that a reading has in common with another.
_BOUNDS = {
    "integer": {"number": _numbers.EXACT, "decimal comma": _numbers.EXACT, "thousands comma": 999},
    "number": {"thousands comma": 1000},
}
_WIDER = {
    "integer": ("number", "decimal comma", "thousands comma"),
    "number": ("thousands comma",),
    "date": ("datetime", "year first"),
}
_TESTED = {**_RIVALS, "number": ("decimal comma",)}


def _largest(values: pa.Array) -> float:
    """The largest number without its sign."""
    numbers = (values.drop_null() if values.null_count else values).to_numpy(zero_copy_only=False)
    return max(-float(numbers.min()), float(numbers.max()))
