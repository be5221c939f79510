"""Figures of values that can be sorted. One sort gives them all: what differs, what repeats, quantiles, histogram."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Mask = npt.NDArray[np.bool_]

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 20
TOP = 10
Show = Callable[[Any], Any]


def ordered_figures(ordered: Array, changes: Mask, show: Show) -> dict[str, Any]:
    """Distinct and top values, range, quantiles and histogram of sorted values, in the words of `show`.

    `changes` marks where each different value begins: see changes_in.
    """
    import numpy as np

    if not len(ordered):
        return {"distinct": 0, "top": [], "min": None, "max": None, "quantiles": {}, "histogram": None}
    return {
        "distinct": int(np.count_nonzero(changes)),
        "top": [{"value": show(ordered[at]), "count": count} for at, count in longest_runs(changes)],
        "min": show(ordered[0]),
        "max": show(ordered[-1]),
        "quantiles": {f"{q:g}": show(quantile(ordered, q)) for q in QUANTILES},
        "histogram": _histogram(ordered, show),
    }


def changes_in(ordered: Array) -> Mask:
    """A mask of the places at which a different value begins."""
    import numpy as np

    changes = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=changes[1:])
    return changes


def longest_runs(changes: Mask) -> list[tuple[int, int]]:
    """(place, length) of the TOP values that repeat most, of equals the first; none where every value is different."""
    import numpy as np

    # Only runs of two or more are listed, so that a column of all different values costs no memory.
    starts = np.flatnonzero(changes[:-1] & ~changes[1:])
    ends = np.flatnonzero(~changes[:-1] & changes[1:]) + 1
    ends = np.append(ends, len(changes)) if len(ends) < len(starts) else ends
    counts = ends - starts
    if not len(counts):
        return []
    least = np.partition(counts, -TOP)[-TOP] if len(counts) > TOP else 0
    among = np.flatnonzero(counts >= least)
    best = among[np.argsort(-counts[among], kind="stable")[:TOP]]
    runs = [(int(starts[i]), int(counts[i])) for i in best]
    return runs + [(place, 1) for place in _singles(changes, TOP - len(runs))]


def _singles(changes: Mask, count: int) -> list[int]:
    """The first places of values that occur once."""
    import numpy as np

    if count <= 0:
        return []
    return [int(place) for place in np.flatnonzero(changes & np.append(changes[1:], True))[:count]]


def quantile(ordered: Array, q: float) -> Any:
    """The q-quantile of sorted values, between neighbours as numpy and pandas do by default."""
    place = (len(ordered) - 1) * q
    low = math.floor(place)
    below, above = ordered[low].item(), ordered[min(low + 1, len(ordered) - 1)].item()
    if below == above or place == low:
        return below
    share = place - low
    # From the nearer side, as numpy does, so that the last digit is numpy's too.
    return below + (above - below) * share if share < 0.5 else above - (above - below) * (1 - share)


def _histogram(ordered: Array, show: Show) -> dict[str, Any] | None:
    """Counts in at most BINS bins of equal width; whole numbers of a small range get a bin each."""
    import numpy as np

    low, high = ordered[0], ordered[-1]
    span = float(high) - float(low)
    if not math.isfinite(span):
        return None
    if np.issubdtype(ordered.dtype, np.integer) and span < BINS:
        edges: Array = np.arange(int(low), int(high) + 2)
    else:
        edges = np.linspace(float(low), float(high), BINS + 1) if span else np.array([low, high])
    inner = np.searchsorted(ordered, edges[1:-1], side="left")
    counts = np.diff(np.concatenate(([0], inner, [len(ordered)])))
    return {"edges": [show(edge) for edge in edges], "counts": [int(count) for count in counts]}


def plain(value: Any) -> int | float | None:
    """A JSON number; None where there is none."""
    number = value.item() if hasattr(value, "item") else value
    return number if math.isfinite(number) else None
