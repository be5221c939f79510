"""Text as numbers: exactly, or not at all."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from datasets.ingestion.readings._bytes import COMMA, MINUS, POINT, Texts, is_digit, replaced

if TYPE_CHECKING:
    import pyarrow as pa

EXACT = 2**53  # beyond it, not every whole number is a double
_SAFE = 15  # so many digits always survive a double
_EXTREME = re.compile(r"[eE][-+]?\d{3}")
_SCIENTIFIC = r"-?([1-9](\.\d+)?[eE][-+]\d+|[1-9]\.\d+[eE]\d+|0(\.0+)?[eE][-+]?0+)"
WHOLE = r"^-?(0|[1-9]\d{0,18})$"
POINTED = rf"^(-?(0|[1-9]\d*)(\.\d*)?|-?\.\d+|{_SCIENTIFIC})$"
WITH_COMMA = r"^-?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?$"
IN_THOUSANDS = r"^-?\d{1,3}(,\d{3})*(\.\d+)?$"


def cast(cells: pa.Array, kind: Any) -> pa.Array | None:
    """The cells in an Arrow type, or None if one is not of it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(cells, kind)
    except pa.ArrowInvalid:
        return None


def integer(cells: pa.Array) -> pa.Array | None:
    """Whole numbers of 64 bits, as they are printed: no leading zero, no plus, no minus zero."""
    import pyarrow as pa

    values = cast(cells, pa.int64())
    if values is None:
        return None
    return None if Texts(cells).leading_zero(whole=True) else values  # 0x1F too, which Arrow would read


def number(cells: pa.Array) -> pa.Array | None:
    """Doubles that print back to the text, or to the same number with other zeros at its end."""
    import pyarrow as pa

    texts = Texts(cells)
    values = cast(cells, pa.float64())
    if values is None or texts.leading_zero(whole=False):
        return None
    if not texts.has_letters():
        return values if _long_ones_print_back(texts.cells, values, extreme=False) else None
    return _scientific(cells, values, texts)


def _scientific(cells: pa.Array, values: pa.Array, texts: Texts) -> pa.Array | None:
    """Values of which some are written with an exponent, or as no number that a table should hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    where, lettered = texts.lettered()
    if not all(re.fullmatch(_SCIENTIFIC, text) for text in lettered):
        return None
    if not pc.all(pc.is_finite(values.take(pa.array(where, pa.int64()))), min_count=0).as_py():
        return None
    extreme = any(_EXTREME.search(text) for text in lettered)
    return values if _long_ones_print_back(cells, values, extreme=extreme) else None


def _long_ones_print_back(cells: pa.Array, values: pa.Array, *, extreme: bool) -> bool:
    """A text of more than fifteen digits is printed with its own decimals and compared."""
    import polars as pl
    import pyarrow.compute as pc

    long = Texts(cells).lengths > _SAFE
    if not extreme and not long.any():
        return True
    if cells.null_count or extreme or 2 * int(long.sum()) < len(cells):
        risky = pc.greater(pc.binary_length(cells), _SAFE)
        if extreme:  # the smallest numbers lose digits, or all of themselves
            risky = pc.or_(risky, pc.match_substring_regex(cells, _EXTREME.pattern))
        cells, values = cells.filter(risky), values.filter(risky)
    texts, numbers = pl.Series(pl.from_arrow(cells)), pl.Series(pl.from_arrow(values))
    differs = texts != numbers.cast(pl.String)  # the shortest spelling, which polars prints in half of Arrow's time
    rest = zip(texts.filter(differs).to_list(), numbers.filter(differs).to_list(), strict=True)
    return all(_prints_back(text, value) for text, value in rest if extreme or len(text) > _SAFE)


def _prints_back(text: str, value: float) -> bool:
    """Whether the double's shortest spelling, or its spelling with as many decimals, is the number that was read."""
    mantissa, _, exponent = text.lower().partition("e")
    if not exponent and "." not in mantissa and abs(value) >= 2**63:
        return False  # an identifier, even where it happens to be a double
    decimals = len(mantissa.partition(".")[2])
    spellings = (repr(value), f"{value:.{decimals}{'e' if exponent else 'f'}}")
    return any(Decimal(spelling) == Decimal(text) for spelling in spellings)


def decimal_comma(cells: pa.Array) -> pa.Array | None:
    """1.234,50 and 1234,5."""
    texts = Texts(cells)
    if not texts.holds(POINT):
        return _comma_alone(texts)
    return _grouped(cells, WITH_COMMA, group=".", point=",")


def _comma_alone(texts: Texts) -> pa.Array | None:
    """Without a point nothing is grouped: the comma becomes one, and both ends must be digits."""
    negative = texts.first == MINUS
    begins = is_digit(texts.first) | (is_digit(texts.at(1)) & negative)
    if texts.lettered()[1] or not (begins & is_digit(texts.at(-1))).all():
        return None
    return number(replaced(texts.cells, COMMA, POINT))


def thousands_comma(cells: pa.Array) -> pa.Array | None:
    """1,234.50."""
    return _grouped(cells, IN_THOUSANDS, group=",", point=".")


def _grouped(cells: pa.Array, pattern: str, *, group: str, point: str) -> pa.Array | None:
    import pyarrow.compute as pc

    if not pc.all(pc.match_substring_regex(cells, pattern)).as_py():
        return None
    plain = pc.replace_substring(pc.replace_substring(cells, group, ""), point, ".")
    return number(plain)
