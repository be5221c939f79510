"""Names and numbers of people as pseudonyms: HMAC-SHA-256 under a key that no recipe and no model holds."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from datasets.steps import _keys
from datasets.steps._base import Changes, Learned, Made, Step, StepError, Use
from datasets.steps._columns import col
from datasets.steps._moments import moment
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

TYPES = ("text", "integer", "date")


def fit(_table: pl.DataFrame, use: Use) -> Learned:
    """Which key was used, by its scope, its name and its fingerprint."""
    try:
        key = _keys.key(use.around.scope, use.params["key"])
    except LookupError as error:
        raise StepError("params.key", str(error)) from None
    return {"scope": use.around.scope, "fingerprint": _keys.fingerprint(key)}


def maker(use: Use, learned: Learned) -> Callable[[Any], str]:
    """The function for one value. The key is fetched at the first one, and must be the one that was fitted with."""
    found: list[bytes] = []
    length = use.params["length"]

    def pseudonym(value: Any) -> str:
        if not found:
            key = _keys.key(learned["scope"], use.params["key"])
            if _keys.fingerprint(key) != learned["fingerprint"]:
                raise LookupError("the key for pseudonyms is another one than the recipe was fitted with")
            found.append(key)
        digest = hmac.new(found[0], _text(value).encode(), hashlib.sha256).digest()
        return b32encode(digest).decode().lower()[:length]

    return pseudonym


def _text(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value))
    return value if isinstance(value, str) else value.isoformat() if hasattr(value, "isoformat") else str(value)


def of_date(make: Callable[[Any], str]) -> Callable[[Any], str]:
    """A date may come as an object, as ISO text or with a time; it has one pseudonym."""
    return lambda value: make(datetime.date(moment(value)))


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    make = maker(use, learned)

    def work(column: pl.Series) -> pl.Series:
        distinct = column.drop_nulls().unique()
        made = pl.Series([make(value) for value in distinct.to_list()], dtype=pl.String)
        return column.replace_strict(distinct, made, default=None, return_dtype=pl.String)

    return frame.with_columns(col(name).map_batches(work, return_dtype=pl.String) for name in use.columns)


def row(code: RowCode, use: Use, learned: Learned) -> None:
    make = maker(use, learned)
    for column, type_ in use.columns.items():
        function = code.literal(of_date(make) if type_ == "date" else make)
        code.when_present(column, f"{function}(x)")


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, "text", column) for column in use.columns))


STEP = Step(
    name="pseudonym",
    label="Pseudonymise",
    help="Replaces names and numbers of people by pseudonyms: equal values stay equal, and nobody without the key can "
    "tell whose they are. The key stays in the platform; it is in no recipe and no model.",
    icon="user-shield",
    group="Privacy",
    applies_to=TYPES,
    params=(
        Param(
            "key",
            "text",
            "default",
            "The name of the key: tables with the same one can be joined, with another they cannot.",
        ),
        Param("length", "int", 20, "How many characters a pseudonym has; 20 hold 100 bits.", low=10, high=52),
    ),
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
)
