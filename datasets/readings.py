"""Typing text columns: a column gets a type only if every value prints back to the text that was read.

A *reading* is one way to understand text: as whole numbers, as dates with the day first, and so on. Leading zeros,
`29E5` and whole numbers beyond 64 bits print back differently, so they stay text. Where two readings fit every value
and disagree (01/02/2024), none is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from datasets.schema import TYPES, Schema, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

MISSING: tuple[str, ...] = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "-", "?")
_EXACT = 2**53  # beyond it, not every whole number is a double
_EXTREME = re.compile(r"[eE][-+]?\d{3}")
_SCIENTIFIC = re.compile(r"-?([1-9](\.\d+)?[eE][-+]\d+|[1-9]\.\d+[eE]\d+|0(\.0+)?[eE][-+]?0+)")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand text. `parse` returns None unless every value fits and prints back."""

    name: str
    type: str
    parse: Callable[[pa.Array], pa.Array | None]
    label: str = ""


@dataclass(slots=True)
class ReadColumn:
    """What one block of a column became: values, the readings that still fit, spellings of missing values."""

    values: pa.Array
    readings: tuple[str, ...]
    missing: dict[str, int] = field(default_factory=dict)
    trimmed: bool = False


def read_column(cells: pa.Array, readings: tuple[str, ...], missing: pa.Array) -> ReadColumn:
    """Understand one block of a text column by the first of `readings` that fits all of it; as text if none does.

    missing: string array of the spellings that mean no value, besides a null.
    All of `readings` come back for a block without a value.
    """
    import pyarrow.compute as pc

    if readings and (found := _first(cells, readings)):
        return ReadColumn(*found)
    absent = pc.is_in(cells, missing)
    spelled = _spellings(cells, absent)
    present = pc.if_else(absent, None, cells) if spelled else cells
    if not readings or present.null_count == len(cells):
        return ReadColumn(present, readings, spelled)
    if spelled and (found := _first(present, readings)):
        return ReadColumn(*found, spelled)
    return _trimmed(cells, readings, missing) or ReadColumn(present, (), spelled)


def take_column(cells: pa.Array, reading: str) -> ReadColumn:
    """Take one block of a column that the file itself types, in the type of a `given` reading."""
    import pyarrow.compute as pc

    return ReadColumn(pc.cast(cells, _stored(reading)), (reading,))


def _stored(reading: str) -> pa.DataType:
    return arrow_schema(Schema.of([("", READINGS[reading].type)])).field(0).type


def _trimmed(cells: pa.Array, readings: tuple[str, ...], missing: pa.Array) -> ReadColumn | None:
    """Understand values without the spaces around them, for files that align their columns."""
    import pyarrow.compute as pc

    bare = pc.utf8_trim_whitespace(cells)
    if bare.equals(cells):
        return None
    absent = pc.is_in(bare, missing)
    found = _first(pc.if_else(absent, None, bare), readings)
    return ReadColumn(*found, _spellings(bare, absent), trimmed=True) if found else None


def _first(cells: pa.Array, readings: tuple[str, ...]) -> tuple[pa.Array, tuple[str, ...]] | None:
    if cells.null_count == len(cells):
        return cells, readings
    for position, name in enumerate(readings):
        values = READINGS[name].parse(cells)
        if values is not None:
            later = readings[position + 1 :]
            return values, (name, *(other for other in later if _also_fits(name, other, values, cells)))
    return None


def _also_fits(name: str, other: str, values: pa.Array, cells: pa.Array) -> bool:
    """Answer whether text that fits the reading `name` fits `other` too, so that a later block may change to it."""
    if name == "integer" and other in _WIDER_THAN_INTEGER:
        import pyarrow.compute as pc

        bounds = pc.min_max(values).as_py()
        return bool(max(-bounds["min"], bounds["max"]) <= _WIDER_THAN_INTEGER[other])
    if name == "date" and other == "datetime":
        return True
    return other in _RIVALS.get(name, ()) and READINGS[other].parse(cells) is not None


def _spellings(cells: pa.Array, absent: pa.Array) -> dict[str, int]:
    import pyarrow.compute as pc

    if not pc.any(absent).as_py():
        return {}
    return {item["values"]: item["counts"] for item in pc.value_counts(cells.filter(absent)).to_pylist()}


# --- numbers ---


def _integer(cells: pa.Array) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _cast(cells, pa.int64())
    if values is None:
        return None
    return values if pc.all(pc.equal(pc.cast(values, pa.string()), cells)).as_py() else None


def _number(cells: pa.Array) -> pa.Array | None:
    import numpy as np
    import pyarrow as pa

    present = cells.drop_null() if cells.null_count else cells  # the bytes under a null are still there
    other = set(_content(present).translate(None, b"0123456789.-"))
    if other - set(b"eE+"):
        return None
    scientific = [text for sign in other for text in _holding(present, chr(sign))]
    if not all(_SCIENTIFIC.fullmatch(text) for text in scientific):
        return None
    values = None if _leading_zero(present) else _cast(cells, pa.float64())
    if values is None or not np.isfinite(values.drop_null().to_numpy()).all():
        return None
    extreme = any(_EXTREME.search(text) for text in scientific)
    return values if _long_ones_print_back(cells, values, extreme) else None


def _holding(cells: pa.Array, sign: str) -> list[str]:
    import pyarrow.compute as pc

    return cells.filter(pc.match_substring(cells, sign)).to_pylist()  # type: ignore[no-any-return]


def _leading_zero(cells: pa.Array) -> bool:
    """Answer whether some value has a zero before its first digit, as identifiers do."""
    import numpy as np

    offsets, data = _offsets(cells), np.frombuffer(_buffer(cells), np.uint8)
    starts, ends = offsets[:-1], offsets[1:]
    if not len(data):
        return False
    starts = starts + ((data[np.minimum(starts, len(data) - 1)] == ord("-")) & (ends > starts))
    two = ends - starts > 1
    first, second = data[starts[two]], data[starts[two] + 1]
    return bool(((first == ord("0")) & (second >= ord("0")) & (second <= ord("9"))).any())


def _long_ones_print_back(cells: pa.Array, values: pa.Array, extreme: bool) -> bool:
    """Fifteen digits always survive a double; a longer text is printed with its own decimals and compared."""
    import pyarrow.compute as pc

    risky = pc.greater(pc.binary_length(cells), 15)
    if extreme:  # the smallest numbers lose digits, or all of themselves
        risky = pc.or_(risky, pc.match_substring_regex(cells, _EXTREME.pattern))
    if not pc.any(risky).as_py():
        return True
    if cells.null_count or not pc.all(risky).as_py():
        cells, values = cells.filter(risky), values.filter(risky)
    differs = pc.not_equal(_shortest(values), cells)
    rest = zip(cells.filter(differs).to_pylist(), values.filter(differs).to_pylist(), strict=True)
    return all(_prints_back(text, number) for text, number in rest)


def _shortest(values: pa.Array) -> pa.Array:
    """The shortest spelling of each double; polars writes them in half of Arrow's time."""
    import polars as pl
    import pyarrow as pa

    return pl.Series(pl.from_arrow(values)).cast(pl.String).to_arrow().cast(pa.string())


def _prints_back(text: str, number: float) -> bool:
    """Whether the double's shortest spelling, or its spelling with as many decimals, is the number that was read."""
    mantissa, _, exponent = text.lower().partition("e")
    if not exponent and "." not in mantissa and abs(number) >= 2**63:
        return False  # an identifier, even where it happens to be a double
    decimals = len(mantissa.partition(".")[2])
    spellings = (repr(number), f"{number:.{decimals}{'e' if exponent else 'f'}}")
    return any(Decimal(spelling) == Decimal(text) for spelling in spellings)


def _decimal_comma(cells: pa.Array) -> pa.Array | None:
    return _grouped(cells, r"^-?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?$", group=".", point=",")


def _thousands_comma(cells: pa.Array) -> pa.Array | None:
    return _grouped(cells, r"^-?\d{1,3}(,\d{3})*(\.\d+)?$", group=",", point=".")


def _grouped(cells: pa.Array, pattern: str, *, group: str, point: str) -> pa.Array | None:
    import pyarrow.compute as pc

    if not pc.all(pc.match_substring_regex(cells, pattern)).as_py():
        return None
    plain = pc.replace_substring(pc.replace_substring(cells, group, ""), point, ".")
    return _number(plain)


def _boolean(true: str, false: str) -> Callable[[pa.Array], pa.Array | None]:
    def parse(cells: pa.Array) -> pa.Array | None:
        import pyarrow as pa
        import pyarrow.compute as pc

        fits = pc.all(pc.is_in(cells.drop_null(), pa.array([true, false]))).as_py()
        return pc.equal(cells, true) if fits else None

    return parse


# --- dates ---

_NOON = "0000-00-00 00:00:00.000000"  # what a shorter time leaves out


def _date(cells: pa.Array) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _cast(cells, pa.date32())
    if values is None:
        return None
    return values if pc.all(pc.equal(pc.cast(values, pa.string()), cells)).as_py() else None


def _datetime(cells: pa.Array) -> pa.Array | None:
    """ISO 8601 to the microsecond, with a space or a T, without an offset."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _cast(cells, pa.timestamp("us"))
    if values is None:
        return None
    texts = pc.utf8_replace_slice(cells, start=10, stop=11, replacement=" ")
    printed = pc.cast(values, pa.string())
    for length in pc.unique(pc.binary_length(cells).drop_null()).to_pylist():
        these = pc.equal(pc.binary_length(cells), length)
        if length == 10:  # a date alone, to which the replacement above has added a space
            full = pc.binary_join_element_wise(cells.filter(these), _NOON[10:], "")
        else:
            full = pc.binary_join_element_wise(texts.filter(these), _NOON[length:], "")
        if not pc.all(pc.equal(printed.filter(these), full)).as_py():
            return None
    return values


def _datetime_utc(cells: pa.Array) -> pa.Array | None:
    import pyarrow.compute as pc

    if not pc.all(pc.ends_with(cells, "Z")).as_py():
        return None
    return _datetime(pc.utf8_slice_codeunits(cells, 0, -1))


def _written(order: str, before: str, between: str, after: str = "") -> Callable[[pa.Array], pa.Array | None]:
    """Read dates written with separators; `order` is a permutation of "ymd"."""
    part = {"y": r"(?P<y>\d{4})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})"}
    pattern = f"^{part[order[0]]}{before}{part[order[1]]}{between}{part[order[2]]}{after}$"

    def parse(cells: pa.Array) -> pa.Array | None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not pc.all(pc.match_substring_regex(cells, pattern)).as_py():
            return None
        parts = pc.extract_regex(cells, pattern)
        day, month = (pc.utf8_lpad(pc.struct_field(parts, key), 2, "0") for key in "dm")
        return _cast(pc.binary_join_element_wise(pc.struct_field(parts, "y"), month, day, "-"), pa.date32())

    return parse


def _cast(cells: pa.Array, kind: Any) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(cells, kind)
    except pa.ArrowInvalid:
        return None


def _offsets(cells: pa.Array) -> Any:
    import numpy as np

    return np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]


def _buffer(cells: pa.Array) -> Any:
    return cells.buffers()[2] or b""


def _content(cells: pa.Array) -> bytes:
    offsets = _offsets(cells)
    return bytes(memoryview(_buffer(cells))[offsets[0] : offsets[-1]]) if len(offsets) else b""


_ALL = (
    Reading("integer", "integer", _integer),
    Reading("number", "number", _number),
    Reading("decimal comma", "number", _decimal_comma, "numbers with a decimal comma"),
    Reading("thousands comma", "number", _thousands_comma, "numbers with commas between the thousands"),
    Reading("true", "boolean", _boolean("true", "false")),
    Reading("True", "boolean", _boolean("True", "False")),
    Reading("TRUE", "boolean", _boolean("TRUE", "FALSE")),
    Reading("date", "date", _date),
    Reading("datetime", "datetime", _datetime),
    Reading("datetime utc", "datetime", _datetime_utc, "times in UTC"),
    Reading("year first", "date", _written("ymd", "[/.-]", "[/.-]"), "dates with the year first"),
    Reading("year month day", "date", _written("ymd", "年", "月", "日"), "dates such as 2024年1月31日"),
    Reading("day first", "date", _written("dmy", "[/.-]", "[/.-]"), "dates with the day first"),
    Reading("month first", "date", _written("mdy", "[/-]", "[/-]"), "dates with the month first"),
)
# What the file itself types is taken as it is; no text is tried against these.
_GIVEN = tuple(Reading(f"given {kind}", kind, lambda cells: None) for kind in TYPES)
READINGS: Mapping[str, Reading] = {reading.name: reading for reading in (*_ALL, *_GIVEN)}
EVERY: tuple[str, ...] = tuple(reading.name for reading in _ALL)
_WIDER_THAN_INTEGER = {"number": _EXACT, "decimal comma": _EXACT, "thousands comma": 999}
_RIVALS = {"day first": ("month first",), "decimal comma": ("thousands comma",)}


def rivals(readings: tuple[str, ...]) -> bool:
    """Answer whether two readings are left that disagree, so that neither may be chosen."""
    return bool(readings) and any(other in _RIVALS.get(readings[0], ()) for other in readings[1:])
