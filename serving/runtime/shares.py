"""How sure one may be of a share, and of any figure of rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Z95 = 1.959963984540054


def wilson(hits: float, of: float, z: float = Z95) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, Probable Inference), right also near 0 and 1 and for few rows."""
    if of <= 0:
        return 0.0, 1.0
    share, square = hits / of, z * z / of
    middle = (share + square / 2) / (1 + square)
    half = z * np.sqrt(share * (1 - share) / of + square / (4 * of)) / (1 + square)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def bootstrap(
    figure: Callable[[np.ndarray], float | None], rows: int, *, times: int = 200, seed: int = 0, level: float = 0.95
) -> tuple[float, float] | None:
    """The interval between quantiles of a figure over rows drawn with replacement (Efron 1979).

    `figure` gets the places (rows,) of a draw; draws for which it is None or not finite are left out. None where fewer
    than half of them are left.
    """
    draw = np.random.Generator(np.random.PCG64(seed))
    found = [figure(draw.integers(0, rows, rows)) for _ in range(times)]
    finite = [value for value in found if value is not None and np.isfinite(value)]
    if len(finite) < times / 2:
        return None
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
