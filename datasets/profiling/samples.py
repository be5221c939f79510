"""Some of a column's different values, from all over the table, for checks that look at values one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

LIMIT = 10_000  # different values


def owned(texts: pl.Series) -> pl.Series:
    """The texts in memory of their own: polars' would keep all that they were chosen from."""
    import polars as pl

    return pl.Series(texts.name, pl.from_arrow(texts.to_arrow(compat_level=pl.CompatLevel.oldest())))


class Sample:
    """At most LIMIT different texts. `whole` says that they are all that there are."""

    def __init__(self, rows: int) -> None:
        self.whole = False
        self._rows = max(rows, 1)
        self._parts: list[pl.DataFrame] = []

    def add(self, values: pl.Series, counts: pl.Series | None, *, whole: bool = False) -> None:
        """Take evenly from a part without nulls, in proportion to the rows that it stands for."""
        import polars as pl

        rows = len(values) if counts is None else int(counts.sum())
        share = max(1, round(LIMIT * rows / self._rows)) if not whole else LIMIT
        every = -(-len(values) // share) if len(values) else 1
        self.whole = whole and every == 1
        numbers = pl.Series("count", [1], dtype=pl.UInt32).new_from_index(0, len(values)) if counts is None else counts
        part = pl.DataFrame({"value": values, "count": numbers.cast(pl.Int64)}).gather_every(every)
        self._parts.append(part.with_columns(owned(part["value"])))

    @classmethod
    def of_numbers(cls, ordered: Any) -> Sample:
        """From sorted whole numbers."""
        import numpy as np
        import polars as pl

        sample = cls(len(ordered))
        places = np.unique(np.linspace(0, len(ordered) - 1, 2 * LIMIT).astype(np.int64))
        values, counts = np.unique(ordered[places], return_counts=True)
        sample.whole = len(places) == len(ordered) and len(values) <= LIMIT
        sample._parts = [pl.DataFrame({"value": pl.Series(values).cast(pl.String), "count": counts})]
        return sample

    def values(self) -> pl.DataFrame:
        """The sample as {value, count}."""
        import polars as pl

        if not self._parts:
            return pl.DataFrame({"value": [], "count": []}, schema={"value": pl.String, "count": pl.Int64})
        return pl.concat(self._parts).group_by("value", maintain_order=True).agg(pl.col("count").sum()).head(LIMIT)
