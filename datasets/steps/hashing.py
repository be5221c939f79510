"""Text as counts of its hashed n-grams: free text of any language as a fixed number of columns, nothing learned."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from datasets.steps._base import Changes, Learned, Made, Params, Step, StepError, Use
from datasets.steps._columns import col, cols
from datasets.steps._rowcode import RowCode
from datasets.steps._words import words
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def check(use: Use) -> None:
    if use.params["shortest"] > use.params["longest"]:
        raise StepError("params.longest", "the longest n-gram is shorter than the shortest")


@lru_cache(maxsize=200_000)
def bucket(gram: str, buckets: int) -> int:
    """BLAKE2b of the n-gram's UTF-8, the first four bytes as a little-endian number, modulo the buckets."""
    number: int = int.from_bytes(blake2b(gram.encode(), digest_size=4).digest(), "little")
    return number % buckets


def grams(text: str, params: Params) -> list[str]:
    """The n-grams: of words joined by a space, or of characters."""
    parts: Any = words(text.lower()) if params["unit"] == "words" else text.lower()
    between = " " if params["unit"] == "words" else ""
    lengths = range(params["shortest"], params["longest"] + 1)
    return [between.join(parts[i : i + n]) for n in lengths for i in range(len(parts) - n + 1)]


def counter(params: Params) -> Callable[[str | None], tuple[int | None, ...]]:
    """The function for one text; a missing text has missing counts."""
    buckets: int = params["buckets"]
    nothing = (None,) * buckets

    def count(text: str | None) -> tuple[int | None, ...]:
        if text is None:
            return nothing
        counts = [0] * buckets
        for gram in grams(text, params):
            counts[bucket(gram, buckets)] += 1
        return tuple(counts)

    return count


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    import polars as pl

    for column in use.columns:
        names = _names(use, column)
        count = partial(_counted, params=use.params, names=names)
        counted = col(column).map_batches(count, pl.Struct(dict.fromkeys(names, pl.Int64)))
        frame = frame.with_columns(counted.alias("\x00counts")).unnest("\x00counts")
    return frame if use.params["keep"] else frame.drop(cols(use.columns))


def _counted(texts: pl.Series, params: Params, names: list[str]) -> pl.Series:
    """Each distinct text is counted once."""
    import numpy as np
    import polars as pl

    distinct = texts.drop_nulls().unique()
    counts = np.zeros((len(distinct) + 1, params["buckets"]), dtype=np.int64)
    for place, text in enumerate(distinct.to_list()):
        for gram in grams(text, params):
            counts[place, bucket(gram, params["buckets"])] += 1
    places = texts.replace_strict(distinct, range(len(distinct)), default=None, return_dtype=pl.UInt32)
    table = pl.DataFrame(counts, schema=dict.fromkeys(names, pl.Int64), orient="row")
    return table.select(pl.all().gather(places)).to_struct("counts")


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    count = code.literal(counter(use.params))
    for column in use.columns:
        code.write_all(_names(use, column), f"{count}({code.read(column)})")
        if not use.params["keep"]:
            code.drop(column)


def changes(use: Use, _learned: Learned | None) -> Changes:
    made = tuple(Made(name, "integer", column) for column in use.columns for name in _names(use, column))
    return Changes(made=made, removed=() if use.params["keep"] else tuple(use.columns))


def _names(use: Use, column: str) -> list[str]:
    return [use.new(f"{column}_hash{i}") for i in range(use.params["buckets"])]


STEP = Step(
    name="hashing",
    label="Hashed n-grams",
    help="Turns free text of any language into counts of its words or characters, sorted into a fixed number of columns.",
    icon="hash",
    group="Text",
    applies_to=("text",),
    params=(
        Param("unit", "choice", "words", "What is counted; a Chinese character is a word.", choices=("words", "chars")),
        Param("shortest", "int", 1, "The fewest words or characters in a row that are counted.", low=1, high=5),
        Param("longest", "int", 1, "The most words or characters in a row that are counted.", low=1, high=5),
        Param("buckets", "int", 32, "How many columns are made; more keep more words apart.", low=2, high=256),
        Param("keep", "bool", False, "Keeps the text itself beside its counts."),
    ),
    bulk=bulk,
    row=row,
    changes=changes,
    check=check,
    names_columns=True,
)
