"""Equal rows on both sides of the split: the model is asked about rows that it has seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.data import add_step, finding

if TYPE_CHECKING:
    from training.engine.data import Source

THRESHOLD = 0.01


def before(source: Source) -> Iterator[dict[str, Any]]:
    """The share of held-out rows that equal a training row in every feature and the target."""
    import polars as pl

    columns = list(dict.fromkeys([*source.features, source.target.name]))
    held = source.held_out().select(columns)
    if not held.height:
        return
    seen = source.part("train").select(columns).unique()
    twins = held.join(seen, on=columns, how="semi", nulls_equal=True).select(pl.len()).item()
    share = twins / held.height
    if share >= THRESHOLD:
        message = (
            f"{twins:,} of {held.height:,} rows held back ({share:.1%}) equal a training row: scores look too good."
        )
        yield finding(
            "split_duplicates", "warning", message, test="share of rows held back that training saw", value=round(share, 6),
            threshold=THRESHOLD, fix="Remove repeated rows before the split.", action=add_step("duplicates"),
        )  # fmt: skip
