"""A keyed hash (HMAC-SHA-256, cut to 128 bits): equal values stay equal within the grant, so joins and groups work.

The key is the grant's own. Without it nobody can hash a list of likely values and look for them here, and what two
grants give cannot be put together.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from datasets.masks._base import Mask, Params

if TYPE_CHECKING:
    import polars as pl

LENGTH = 32  # hexadecimal signs


def digest(text: str, key: bytes) -> str:
    """Return the hash of one value's text."""
    return hmac.digest(key, text.encode(), "sha256").hex()[:LENGTH]


def _hashed(cell: pl.Expr, _type: str, _params: Params, key: bytes) -> pl.Expr:
    import polars as pl

    def each(texts: pl.Series) -> pl.Series:
        # A batch hashes each of its different values once.
        known = texts.drop_nulls().unique()
        hashes = pl.Series([digest(text, key) for text in known], dtype=pl.String)
        return texts.replace_strict(known, hashes, default=None, return_dtype=pl.String)

    return cell.cast(pl.String).map_batches(each, return_dtype=pl.String, is_elementwise=True)


MASK = Mask(
    "hash", "Hash", "A code for each value, the same for equal values: rows can be grouped and joined, not read.",
    type_after=lambda _type: "text", values=_hashed, applies_to=("integer", "number", "date", "datetime", "text"),
)  # fmt: skip
