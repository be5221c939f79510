"""Cells that do not fit a column which is otherwise of one type: junk is set aside, evidence keeps the column text.

`unknown` in a column of whole numbers is junk: it says nothing about the others. `02134`, `29E5`, `+4712345`, `1.2.3`
or 1,5 among 1.5s say that the column is not what it seems, and so does a value that another reading understands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from datasets.ingestion.readings import EVERY, READINGS
from datasets.ingestion.readings._bytes import Texts, number_led

if TYPE_CHECKING:
    import pyarrow as pa

SHARE = 0.01  # of a column's present values, the most that may be set aside
FEW = 100  # in one block, so many may be misfits though they are more than that share of it

_NUMBERLIKE = re.compile(r"[-+\d.,'’_/:() ]*\d[-+\d.,'’_/:() ]*")  # digits and what stands between them
_CODE = re.compile(r"(?=.*\d)(?=.*[^\W\d_])[\w./#-]+")  # one word of letters and digits
_DATELIKE = re.compile(
    r"\d{1,4}[/.-]\d{1,2}([/.-]\d{1,4})?"  # another order, or only a part of a date
    r"|\d{4}-\d\d-\d\d[T ]\d\d:.*"  # a time with an offset, or beyond microseconds
    r"|(?=.*\d).*[^\W\d_]{3}.*\d{2}.*"  # a month by its name
)


@dataclass(frozen=True, slots=True)
class Misfits:
    """Cells of one block that a reading does not fit: their rows in the block, and their texts."""

    rows: list[int]
    texts: list[str]


def set_aside(cells: pa.Array, readings: tuple[str, ...], raw: pa.Array) -> tuple[pa.Array, dict[str, Misfits]]:
    """Return the values by the first of the readings that fits all but a few cells, and the misfits of each such reading.

    cells: text without surrounding spaces, null where missing; raw: the same cells as they were read. No reading
    comes back for a block that is not of a type.
    """
    import pyarrow as pa

    present = len(cells) - cells.null_count
    most = max(FEW, int(SHARE * present))
    values = cells
    found: dict[str, Misfits] = {}
    led = int(number_led(Texts(cells)).sum())
    if not led or present - led > most:
        return values, found
    for name in readings:
        if not READINGS[name].shape or (fitted := _fitted(cells, name, most)) is None:
            continue
        if not found:
            values = fitted[0]
        rows = fitted[1]
        found[name] = Misfits(rows, raw.take(pa.array(rows, pa.int64())).to_pylist())
    return values, found


def _fitted(cells: pa.Array, name: str, most: int) -> tuple[pa.Array, list[int]] | None:
    """The values of a reading and the rows that do not fit it; None where these are too many, or evidence against it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shaped = pc.fill_null(pc.match_substring_regex(cells, READINGS[name].shape), True)
    rows = pc.indices_nonzero(pc.invert(shaped)).to_pylist()
    if len(rows) > most or not _all_junk(cells, rows, name):
        return None
    rest = pc.if_else(shaped, cells, None)
    if rest.null_count == len(rest):
        return None
    if READINGS[name].parse(rest) is None:
        impossible = []
        for row in _refusing(rest, name):
            impossible.append(row)
            if len(rows) + len(impossible) > most or not _all_junk(cells, [row], name):
                return None
        rows = sorted(rows + impossible)
        mask = pa.array([False] * len(cells)) if not rows else pc.is_in(pa.array(range(len(cells))), pa.array(rows))
        rest = pc.if_else(mask, None, cells)
    values = READINGS[name].parse(rest) if rest.null_count < len(rest) else None
    return None if values is None else (values, rows)


def _refusing(cells: pa.Array, name: str) -> Iterator[int]:
    """The cells that the reading's parser refuses one by one, found by halving."""
    waiting = [(0, len(cells))]
    while waiting:
        start, stop = waiting.pop()
        part = cells.slice(start, stop - start)
        if part.null_count == len(part) or READINGS[name].parse(part) is not None:
            continue
        if stop - start == 1:
            yield start
            continue
        middle = (start + stop) // 2
        waiting += [(middle, stop), (start, middle)]


def _all_junk(cells: pa.Array, rows: list[int], name: str) -> bool:
    import pyarrow as pa

    texts = set(cells.take(pa.array(rows, pa.int64())).to_pylist())
    return not any(contradicts(text, name) for text in texts)


def contradicts(text: str, name: str) -> bool:
    """Answer whether a cell that does not fit a reading speaks against it, rather than saying nothing."""
    if _understood(text) - {name}:
        return True
    if READINGS[name].type in ("integer", "number"):
        return bool(_NUMBERLIKE.fullmatch(text) or _CODE.fullmatch(text))
    return not re.search(READINGS[name].shape, text) and bool(_DATELIKE.fullmatch(text) or _NUMBERLIKE.fullmatch(text))


@lru_cache(maxsize=10_000)
def _understood(text: str) -> frozenset[str]:
    """The readings that a text fits by itself."""
    import pyarrow as pa

    cell = pa.array([text])
    return frozenset(name for name in EVERY if READINGS[name].parse(cell) is not None)
