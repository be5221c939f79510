"""How much each searched parameter mattered, from a study's own trials.

PED-ANOVA (Watanabe et al. 2023, IJCAI): the Pearson divergence between where the best trials lie along a parameter and
where all lie. Written in numpy, since Optuna's own imports scikit-learn and pages are drawn without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from training.engine.search import Range, Space

if TYPE_CHECKING:
    import numpy as np

GRID = 50
BEST = 0.2  # share of the trials that count as the best
LEAST = 8  # trials below which nothing can be said


def importances(where: Space, tried: Sequence[tuple[Mapping[str, Any], float]]) -> dict[str, float]:
    """The share of each parameter, from most to least; the sum is 1. `tried` are (params, value), smaller being better.

    Empty where too few trials are known. A parameter that a trial did not draw is judged by the others.
    """
    found = {}
    for one in where:
        known = sorted((pair for pair in tried if one.holds(pair[0])), key=lambda pair: pair[1])
        if len(known) >= LEAST:
            places = [one.place(params[one.name]) for params, _value in known]
            best = max(2, math.ceil(BEST * len(known)))
            found[one.name] = _divergence(one, places[:best], places)
    total = sum(found.values())
    if not total:
        return {}
    return {name: value / total for name, value in sorted(found.items(), key=lambda pair: -pair[1])}


def _divergence(one: Range, best: Sequence[float], everywhere: Sequence[float]) -> float:
    top, local = _density(one, best), _density(one, everywhere)
    return float(local @ (top / local - 1.0) ** 2)


def _density(one: Range, places: Sequence[float]) -> np.ndarray:
    """Shape: (cells,) shares along the parameter's axis, with one trial's worth of knowing nothing."""
    import numpy as np

    cells = len(one.choices) or GRID
    at = np.asarray(places) * (cells - 1)
    if one.choices:
        counts = np.bincount(at.round().astype(int), minlength=cells) + 1.0 / cells
        shares: np.ndarray = counts / counts.sum()
        return shares
    # Scott's rule (1992) on the grid, never narrower than a cell.
    spread = float(at.std(ddof=1)) if len(at) > 1 else 0.0
    width = max(1.059 * spread * len(at) ** -0.2, 0.5 / 1.64)
    bumps = np.exp(-0.5 * ((np.arange(cells)[:, None] - at) / width) ** 2)
    shares = (bumps / bumps.sum(axis=0)).sum(axis=1) + 1.0 / cells
    spread_out: np.ndarray = shares / shares.sum()
    return spread_out
