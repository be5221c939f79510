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
REST = "\0"  # rare shapes of free text, of which only the number is kept


def _table() -> bytes:
    signs = bytearray(range(256))
    for low, high, sign in ((b"0", b"9", b"9"), (b"A", b"Z", b"A"), (b"a", b"z", b"a")):
        signs[low[0] : high[0] + 1] = sign * (high[0] - low[0] + 1)
    signs[9:14] = b" " * 5
    return bytes(signs)


_ASCII = _table()


class Shapes:
    """Counts the shapes of values that come in parts, and by them the values with white space around, or nothing else."""

    def __init__(self) -> None:
        self.padded = self.blank = 0
        self._counts: dict[str, int] = {}
        self._together = False

    def add(self, values: pl.Series, counts: pl.Series | None) -> None:
        """Count the shapes of values without nulls; `counts` says how often each occurs (None: once)."""
        long = values.str.len_bytes() > LONGEST
        if long.any():
            self._add(values.filter(~long), None if counts is None else counts.filter(~long), "")
            self._add(values.filter(long).str.head(LONGEST), None if counts is None else counts.filter(long), "…")
        else:
            self._add(values, counts, "")

    def _add(self, values: pl.Series, counts: pl.Series | None, more: str) -> None:
        import polars as pl

        shapes = _shaped(values).alias("shape")
        if counts is None:
            counted = shapes.value_counts()
        else:
            counted = pl.DataFrame({"shape": shapes, "count": counts}).group_by("shape").agg(pl.col("count").sum())
        for shape, count in counted.iter_rows():
            if not shape or shape[0] == " " or shape[-1] == " ":
                bare = shape.strip()
                self.blank += 0 if bare or more else count
                self.padded += count if shape and (shape[0] == " " or not more) else 0
            name = shape + more
            name = drawn_together(name) if self._together else name
            self._counts[name] = self._counts.get(name, 0) + count
        if len(self._counts) > MOST:
            self._draw_together()

    def _draw_together(self) -> None:
        merged: dict[str, int] = {}
        for shape, count in self._counts.items():
            name = drawn_together(shape)
            merged[name] = merged.get(name, 0) + count
        kept = sorted(merged.items(), key=lambda item: -item[1])
        self._counts = dict(kept[: MOST // 2])
        if len(kept) > MOST // 2:
            self._counts[REST] = self._counts.get(REST, 0) + sum(count for _, count in kept[MOST // 2 :])
        self._together = True

    def figures(self) -> dict[str, Any]:
        """The most frequent shapes with their counts, how many there are, and white space."""
        if len(self._counts) > PLAIN and not self._together:
            self._draw_together()
        best = sorted(self._counts.items(), key=lambda item: (item[0] == REST, -item[1], item[0]))[:TOP]
        return {
            "patterns": [{"pattern": shape, "count": count} for shape, count in best if shape != REST],
            "pattern_count": len(self._counts), "padded": self.padded, "blank": self.blank,
        }  # fmt: skip


def drawn_together(shape: str) -> str:
    """`Aaaa 99` as `Aa+ 9+`: runs of letters, digits or other signs of a script as one with a plus."""
    return re.sub(r"([Aa9字])\1+", r"\1+", shape)


def _shaped(values: pl.Series) -> pl.Series:
    ascii_only = values.str.len_bytes() == values.str.len_chars()
    if ascii_only.all():
        return _translated(values)
    foreign = values.filter(~ascii_only)
    shapes = (
        foreign.str.replace_all(r"\p{Lu}", "A").str.replace_all(r"\p{Ll}", "a").str.replace_all(r"\p{Nd}", "9")
        .str.replace_all(r"[\p{L}\p{M}&&[^Aa]]", "字").str.replace_all(r"\s", " ")
    )  # fmt: skip
    return _woven(_translated(values.filter(ascii_only)), shapes, ascii_only)


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
