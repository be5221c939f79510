"""Different spellings of the same value: `Oslo`, `oslo `, `OSLO`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

SHOWN = 10
SPELLINGS = 6


def variants(counted: pl.DataFrame) -> dict[str, Any]:
    """Return groups, rows and examples of {value, count} frames whose values differ in case or white space alone.

    `rows` counts those that are not spelled as most are; an example lists the spellings, the most frequent first.
    """
    import polars as pl

    key = pl.col("value").str.to_lowercase().str.strip_chars().str.replace_all(r"\s+", " ")
    keyed = counted.with_columns(key.alias("key"))
    spelled = keyed.filter(pl.col("key").is_duplicated())
    if spelled.is_empty():
        return {"groups": 0, "rows": 0, "examples": []}
    groups = (
        spelled.sort(["count", "value"], descending=[True, False])
        .group_by("key", maintain_order=True)
        .agg(pl.col("value").str.head(80).head(SPELLINGS), pl.col("count").head(SPELLINGS),
             (pl.col("count").sum() - pl.col("count").max()).alias("off"))
        .sort(["off", "key"], descending=[True, False])
    )  # fmt: skip
    examples = [
        [{"value": value, "count": int(count)} for value, count in zip(values, counts, strict=True)]
        for values, counts in groups.select("value", "count").head(SHOWN).iter_rows()
    ]
    return {"groups": len(groups), "rows": int(groups["off"].sum()), "examples": examples}
