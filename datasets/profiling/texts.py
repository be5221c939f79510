"""Figures of text and of true/false columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datasets.profiling.grid import CATEGORIES, Grid
from datasets.profiling.samples import Sample
from datasets.profiling.shapes import Shapes
from datasets.profiling.source import Chunks
from datasets.profiling.tally import Tally
from datasets.profiling.variants import variants

if TYPE_CHECKING:
    import polars as pl


def texts(chunks: Chunks, rows: int) -> tuple[dict[str, Any], Grid | None, Sample]:
    """Return the figures of a text column, its categories where they are few, and some of its different values."""
    tally, measures, sample, present = Tally(rows), Measures(), Sample(rows), 0
    for series in chunks():
        values = series.drop_nulls()
        present += len(values)
        for left, counts in tally.add(values) if len(values) else ():
            measures.add(left, counts)
            sample.add(left, counts)
    kept = tally.values
    if kept is not None:
        measures.add(kept["value"], kept["count"])
        sample.add(kept["value"], kept["count"], whole=True)
    spelled = variants(kept) if kept is not None else None
    figures = {"missing": rows - present, **tally.finish(chunks), **measures.figures(), "variants": spelled}
    few = kept is not None and len(kept) <= CATEGORIES
    return figures, Grid.of_categories(kept["value"].to_list()) if few and kept is not None else None, sample


class Measures:
    """Lengths and shapes of values that come in parts."""

    def __init__(self) -> None:
        self.shapes = Shapes()
        self.low: int | None = None
        self.high = self.signs = self.values = 0

    def add(self, values: pl.Series, counts: pl.Series | None) -> None:
        """Measure values without nulls, each as often as `counts` says (None: once)."""
        lengths = values.str.len_chars().to_numpy().astype("int64")
        low = int(lengths.min())
        self.low = low if self.low is None else min(self.low, low)
        self.high = max(self.high, int(lengths.max()))
        self.signs += int((lengths if counts is None else lengths * counts.to_numpy()).sum())
        self.values += len(values) if counts is None else int(counts.sum())
        self.shapes.add(values, counts)

    def figures(self) -> dict[str, Any]:
        length = {"min": self.low, "mean": self.signs / self.values, "max": self.high} if self.values else None
        return {"length": length, **self.shapes.figures()}


def booleans(chunks: Chunks, rows: int) -> tuple[dict[str, Any], Grid | None, None]:
    counts = {True: 0, False: 0}
    for series in chunks():
        yes = int(series.sum() or 0)
        counts[True] += yes
        counts[False] += len(series) - series.null_count() - yes
    found = sorted((item for item in counts.items() if item[1]), key=lambda item: -item[1])
    top = [{"value": value, "count": count} for value, count in found]
    figures = {"missing": rows - sum(counts.values()), "distinct": len(top), "top": top}
    return figures, Grid.of_categories([False, True]) if len(top) == 2 else None, None
