"""How long a text is, in characters and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Made, Params, Step, StepError, Use
from datasets.steps._columns import col, cols
from datasets.steps._rowcode import RowCode
from datasets.steps._texts import by_distinct
from datasets.steps._words import WORD, words
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

FIGURES = {
    "characters": "The number of characters.",
    "words": "The number of words; a Chinese character counts as a word.",
}


def chosen(params: Params) -> list[str]:
    return [figure for figure in FIGURES if params[figure]]


def check(use: Use) -> None:
    if not chosen(use.params):
        raise StepError("params", "choose characters, words or both")


def count_words(text: str) -> int:
    return len(words(text))


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    made = frame.with_columns(_bulk(use, column, figure) for column in use.columns for figure in chosen(use.params))
    return made if use.params["keep"] else made.drop(cols(use.columns))


def _bulk(use: Use, column: str, figure: str) -> pl.Expr:
    import polars as pl

    text = col(column)
    if figure == "characters":
        count = text.str.len_chars().cast(pl.Int64)
    else:
        count = by_distinct(text, lambda texts: texts.str.count_matches(WORD).cast(pl.Int64), pl.Int64)
    return count.alias(_name(use, column, figure))


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    counters = {"characters": code.literal(len), "words": code.literal(count_words)}
    for column in use.columns:
        value = code.read(column)
        for figure in chosen(use.params):
            code.write(_name(use, column, figure), f"None if {value} is None else {counters[figure]}({value})")
        if not use.params["keep"]:
            code.drop(column)


def changes(use: Use, _learned: Learned | None) -> Changes:
    made = [Made(_name(use, c, figure), "integer", c) for c in use.columns for figure in chosen(use.params)]
    return Changes(made=tuple(made), removed=() if use.params["keep"] else tuple(use.columns))


def _name(use: Use, column: str, figure: str) -> str:
    return use.new(f"{column}_{figure}")


STEP = Step(
    name="measure",
    label="Length of text",
    help="Counts the characters and words of texts.",
    icon="ruler-2",
    group="Text",
    applies_to=("text",),
    params=(
        *(Param(figure, "bool", True, text) for figure, text in FIGURES.items()),
        Param("keep", "bool", True, "Keeps the text itself beside its counts."),
    ),
    bulk=bulk,
    row=row,
    changes=changes,
    check=check,
    names_columns=True,
)
