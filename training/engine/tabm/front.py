"""From a matrix with gaps to the numbers that the network reads.

A column of zeros and ones passes through. Any other is centred on its median and scaled by its quartiles; it is read
once softly clipped to ±3, and once as its place between quantiles: of the pieces between neighbouring edges, those
below the value are 1, the one that it lies in is the share reached, those above are 0. Where a training row has no
value, a column of its own says so; a gap is read as the median.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from training.engine.graph import Graph

CLIP = 3.0


@dataclass(frozen=True)
class Front:
    """What was learned from the training rows.

    Shape: middle, scale (d,); pieces (p,) the column of each piece, left and slope (p,) its lower edge and the inverse
    of its width on the scaled column; numbers (n,) the columns read softly clipped; gaps (g,) those with a gap column.
    """

    middle: np.ndarray
    scale: np.ndarray
    pieces: np.ndarray
    left: np.ndarray
    slope: np.ndarray
    numbers: np.ndarray
    gaps: np.ndarray

    @property
    def width(self) -> int:
        """How many numbers the network reads a row."""
        return len(self.pieces) + len(self.numbers) + len(self.gaps)

    def scaled(self, X: np.ndarray) -> np.ndarray:
        """Centre and scale. Shape: X (rows, d) to (rows, d), gaps still NaN."""
        result: np.ndarray = (X - self.middle) * self.scale
        return result

    def encoder(self, dtype: torch.dtype) -> Encoder:
        return Encoder(self, dtype)

    def write(self, graph: Graph) -> None:
        """Append the nodes that do the same from `graph.last`, the matrix."""
        source = graph.last
        missing = graph.add("IsNaN", source)
        shifted = graph.add("Sub", source, graph.constant(self.middle))
        scaled = graph.add("Mul", shifted, graph.constant(self.scale))
        filled = graph.add("Where", missing, graph.constant(np.zeros(1)), scaled)
        above = graph.add(
            "Sub", graph.add("Gather", filled, graph.constant(self.pieces), axis=1), graph.constant(self.left)
        )
        share = graph.add("Mul", above, graph.constant(self.slope))
        parts = [graph.add("Clip", share, graph.constant(np.array(0.0)), graph.constant(np.array(1.0)))]
        if len(self.numbers):
            x = graph.add("Gather", filled, graph.constant(self.numbers), axis=1)
            ratio = graph.add("Mul", x, graph.constant(np.array(1.0 / CLIP)))
            square = graph.add("Add", graph.add("Mul", ratio, ratio), graph.constant(np.array(1.0)))
            parts.append(graph.add("Div", x, graph.add("Sqrt", square)))
        if len(self.gaps):
            gap = graph.add("Gather", missing, graph.constant(self.gaps), axis=1)
            parts.append(graph.add("Cast", gap, to=11))  # 11: double
        graph.add("Concat", *parts, axis=1)


class Encoder:
    """The front's last part, batch by batch: whole tables of pieces would not fit into memory."""

    def __init__(self, front: Front, dtype: torch.dtype) -> None:
        import torch

        self.pieces, self.numbers, self.gaps = (
            torch.from_numpy(places) for places in (front.pieces, front.numbers, front.gaps)
        )
        self.left, self.slope = (torch.from_numpy(array).to(dtype) for array in (front.left, front.slope))

    def __call__(self, scaled: torch.Tensor) -> torch.Tensor:
        """Shape: scaled (rows, d), gaps NaN, to (rows, width)."""
        import torch

        filled = torch.nan_to_num(scaled, nan=0.0)
        parts = [filled[:, self.pieces].sub_(self.left).mul_(self.slope).clamp_(0.0, 1.0)]
        if len(self.numbers):
            x = filled[:, self.numbers]
            parts.append(x / (x / CLIP).square_().add_(1.0).sqrt_())
        if len(self.gaps):
            parts.append(torch.isnan(scaled[:, self.gaps]).to(scaled.dtype))
        return torch.cat(parts, dim=1)


def learn(X: np.ndarray, bins: int) -> Front:
    """Shape: X (rows, d), the training rows. `bins` is the number of pieces a column, at most."""
    middle, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    pieces, left, slope, numbers = [], [], [], []
    for place, column in enumerate(X.T):
        known = column[~np.isnan(column)]
        edges = np.array([0.0, 1.0])
        if not np.isin(known, edges).all():
            numbers.append(place)
            middle[place], scale[place] = _robust(known)
            edges = _edges((known - middle[place]) * scale[place], bins)
        pieces += [place] * (len(edges) - 1)
        left.append(edges[:-1])
        slope.append(1.0 / np.diff(edges))
    gaps = np.flatnonzero(np.isnan(X).any(axis=0))
    return Front(
        middle,
        scale,
        np.array(pieces, dtype=np.int64),
        np.concatenate(left),
        np.concatenate(slope),
        np.array(numbers, dtype=np.int64),
        gaps,
    )


def _robust(known: np.ndarray) -> tuple[float, float]:
    """The median, and the inverse of the quartiles' distance, or of half the range where that is none."""
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    if high > low:
        return float(middle), float(1.0 / (high - low))
    spread = known.max() - known.min()
    return float(middle), float(2.0 / spread) if spread > 0 else 1.0


def _edges(known: np.ndarray, bins: int) -> np.ndarray:
    """Quantiles, or the values themselves where they are few; never two so near that a piece is a jump."""
    values = np.unique(known)
    if len(values) > bins + 1:
        values = np.unique(np.quantile(known, np.linspace(0.0, 1.0, bins + 1)))
    kept = values[np.insert(np.diff(values) > 1e-6, 0, True)]
    return kept if len(kept) > 1 else np.array([kept[0] - 1.0, kept[0] + 1.0])
