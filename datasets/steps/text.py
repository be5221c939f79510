"""Clean text: spaces, case, Unicode forms, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Made, Params, Step, Use
from datasets.steps._columns import col
from datasets.steps._rowcode import RowCode
from datasets.steps._texts import WHITESPACE, mapped
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

SPACES = re.compile(f"[{WHITESPACE}]+")
ASCII_PUNCTUATION = r"[!-/:-@\[-`{-~]"
CASES: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper}


def without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(sign for sign in parts if unicodedata.category(sign) != "Mn"))


def without_punctuation(text: str) -> str:
    return "".join(" " if unicodedata.category(sign)[0] in "PS" else sign for sign in text)


def with_single_spaces(text: str) -> str:
    return SPACES.sub(" ", text).strip(" ")


def cleaner(params: Params) -> Callable[[str], str | None]:
    """The function for one text: Unicode form, accents, case, punctuation, spaces; in this order."""
    acts: list[Callable[[str], str]] = []
    if params["unicode"] != "as_it_is":
        form = params["unicode"].upper()
        acts.append(lambda text: unicodedata.normalize(form, text))
    if params["accents"]:
        acts.append(without_accents)
    if params["case"] in CASES:
        acts.append(CASES[params["case"]])
    if params["punctuation"]:
        acts.append(without_punctuation)
    if params["spaces"]:
        acts.append(with_single_spaces)

    def clean(text: str) -> str | None:
        for act in acts:
            text = act(text)
        return text if text or not params["empty"] else None

    return clean


def plain_cleaner(params: Params) -> Callable[[pl.Expr], pl.Expr]:
    """The same for a column of ASCII texts, which have no Unicode forms and no accents."""
    import polars as pl

    def clean(text: pl.Expr) -> pl.Expr:
        if params["case"] in CASES:
            text = text.str.to_lowercase() if params["case"] == "lower" else text.str.to_uppercase()
        if params["punctuation"]:
            text = text.str.replace_all(ASCII_PUNCTUATION, " ")
        if params["spaces"]:
            text = text.str.replace_all("[ \t\n\r\v\f]+", " ").str.strip_chars(" ")
        return pl.when(text != "").then(text) if params["empty"] else text

    return clean


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    clean, plain = cleaner(use.params), plain_cleaner(use.params)
    return frame.with_columns(mapped(col(column), clean, plain) for column in use.columns)


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    clean = code.literal(cleaner(use.params))
    for column in use.columns:
        code.when_present(column, f"{clean}(x)")


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, "text", column) for column in use.columns))


STEP = Step(
    name="text",
    label="Clean text",
    help="Makes equal texts equal: spaces, upper and lower case, Unicode forms, accents, punctuation.",
    icon="text-recognition",
    group="Text",
    applies_to=("text",),
    params=(
        Param("spaces", "bool", True, "Removes spaces at both ends and doubled ones between words."),
        Param("case", "choice", "as_it_is", "Changes the case of letters.", choices=("as_it_is", "lower", "upper")),
        Param(
            "unicode",
            "choice",
            "nfc",
            "nfc writes every letter in one way. nfkc also makes full-width letters and ligatures plain.",
            choices=("nfc", "nfkc", "as_it_is"),
        ),
        Param("accents", "bool", False, "Removes accents: é becomes e."),
        Param("punctuation", "bool", False, "Replaces punctuation and symbols with spaces."),
        Param("empty", "bool", True, "Turns empty text into a missing value."),
    ),
    bulk=bulk,
    row=row,
    changes=changes,
)
