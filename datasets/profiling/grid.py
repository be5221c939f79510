"""How one column takes part in associations: numbers by rank, categories by code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Array = npt.NDArray[Any]

EXACT = 4096  # so many different values have their exact ranks
STEPS = 512  # beyond, ranks are counted in so many equal steps: a rank correlation is then right to about 1e-5
CATEGORIES = 50


@dataclass(frozen=True, slots=True)
class Grid:
    """Sorted values with the rank of each (numbers), or the categories in their order."""

    edges: Any = None
    ranks: Any = None
    categories: tuple[Any, ...] = ()

    @classmethod
    def of_ranks(cls, ordered: Array, changes: npt.NDArray[np.bool_]) -> Grid:
        """From a sorted column: where ranks change, and the mean rank, scaled to ±1, of what lies between.

        `changes` marks where each different value begins.
        """
        import numpy as np

        if np.count_nonzero(changes) <= EXACT:
            starts = np.flatnonzero(changes)
        else:
            cuts = ordered[np.linspace(0, len(ordered) - 1, STEPS + 1).astype(np.int64)]
            starts = np.unique(np.searchsorted(ordered, cuts, side="left"))
        ends = np.append(starts[1:], len(ordered))
        middle = (starts + ends - 1) / 2
        return cls(edges=ordered[starts].copy(), ranks=2 * middle / max(len(ordered) - 1, 1) - 1)

    @classmethod
    def of_categories(cls, values: list[Any]) -> Grid | None:
        return cls(categories=tuple(sorted(values))) if 2 <= len(values) <= CATEGORIES else None

    def rank(self, values: Array) -> npt.NDArray[np.float64]:
        """The scaled rank of each value."""
        import numpy as np

        found: npt.NDArray[np.float64] = self.ranks[np.searchsorted(self.edges, values, side="right") - 1]
        return found

    def code(self, series: pl.Series) -> npt.NDArray[np.int64]:
        """The place of each value's category; the number of categories where there is none."""
        import numpy as np
        import polars as pl

        if series.dtype == pl.Boolean:
            return series.cast(pl.Int64).fill_null(2).to_numpy()
        codes = series.cast(pl.Enum(list(self.categories)), strict=False).to_physical()
        return codes.cast(pl.Int64).fill_null(len(self.categories)).to_numpy().astype(np.int64, copy=False)
