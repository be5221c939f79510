"""The shape of text: `Ab-12` has the shape `Aa-99`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

LONGEST = 48  # characters of a value that take part in its shape
PLAIN = 20  # a column with more shapes than this has runs of equal signs drawn together: `A+a+-9+`
MOST = 5_000  # different shapes kept while counting
TOP = 10


def _table() -> bytes:
    signs = bytearray(range(256))
    for low, high, sign in ((b"0", b"9", b"9"), (b"A", b"Z", b"A"), (b"a", b"z", b"a")):
        signs[low[0] : high[0] + 1] = sign * (high[0] - low[0] + 1)
    signs[9:14] = b" " * 5
    return bytes(signs)


_ASCII = _table()


class Shapes:
    """Counts the shapes of values that come in parts."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._together = False

    def add(self, values: pl.Series, counts: pl.Series | None) -> None:
        """Count the shapes of values without nulls; `counts` says how often each occurs (None: once)."""
        import polars as pl

        frame = pl.DataFrame({"shape": _shaped(values)})
        number = pl.len() if counts is None else pl.col("n").sum()
        frame = frame if counts is None else frame.with_columns(counts.alias("n"))
        for shape, count in frame.group_by("shape").agg(number.alias("count")).iter_rows():
            name = drawn_together(shape) if self._together else shape
            self._counts[name] = self._counts.get(name, 0) + count
        if len(self._counts) > MOST:
            self._draw_together()

    def _draw_together(self) -> None:
        merged: dict[str, int] = {}
        for shape, count in self._counts.items():
            name = drawn_together(shape)
            merged[name] = merged.get(name, 0) + count
        # What is rarest among very many shapes of free text says nothing: only its number is kept.
        kept = sorted(merged.items(), key=lambda item: -item[1])
        self._counts = dict(kept[: MOST // 2])
        if len(kept) > MOST // 2:
            self._counts["…"] = self._counts.get("…", 0) + sum(count for _, count in kept[MOST // 2 :])
        self._together = True

    def top(self) -> list[dict[str, Any]]:
        """The most frequent shapes with their counts."""
        if len(self._counts) > PLAIN and not self._together:
            self._draw_together()
        named = [(shape, count) for shape, count in self._counts.items() if shape != "…"]
        best = sorted(named, key=lambda item: (-item[1], item[0]))[:TOP]
        return [{"pattern": shape, "count": count} for shape, count in best]

    def distinct(self) -> int:
        return len(self._counts)


def drawn_together(shape: str) -> str:
    """`Aaaa 99` as `Aa+ 9+`: runs of letters, digits or other signs of a script as one with a plus."""
    return re.sub(r"([Aa9字])\1+", r"\1+", shape)


def _shaped(values: pl.Series) -> pl.Series:
    short = values.str.head(LONGEST) if (values.str.len_bytes() > LONGEST).any() else values
    ascii_only = short.str.len_bytes() == short.str.len_chars()
    if ascii_only.all():
        return _translated(short)
    foreign = short.filter(~ascii_only)
    shapes = (
        foreign.str.replace_all(r"\p{Lu}", "A").str.replace_all(r"\p{Ll}", "a").str.replace_all(r"\p{Nd}", "9")
        .str.replace_all(r"[\p{L}\p{M}&&[^Aa]]", "字").str.replace_all(r"\s", " ")
    )  # fmt: skip
    return _woven(_translated(short.filter(ascii_only)), shapes, ascii_only)


def _woven(plain: pl.Series, foreign: pl.Series, ascii_only: pl.Series) -> pl.Series:
    """Both kinds of shapes in the order of the values."""
    import polars as pl

    order = pl.concat([ascii_only.arg_true(), (~ascii_only).arg_true()])
    return pl.concat([plain, foreign]).gather(order.arg_sort())


def _translated(values: pl.Series) -> pl.Series:
    """The shapes of ASCII texts: their bytes, all at once, by a table."""
    import polars as pl
    import pyarrow as pa

    texts = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    _valid, offsets, data = texts.buffers()
    if data is None:
        return values
    shapes = pa.py_buffer(data.to_pybytes().translate(_ASCII))
    made = pa.LargeStringArray.from_buffers(len(texts), offsets, shapes, offset=texts.offset)
    return pl.Series(pl.from_arrow(made))
