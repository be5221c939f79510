"""A multi-layer perceptron with normalisation and short cuts, by autograd.

A hidden layer is a weighted sum, its normalisation, the bend and dropout. With short cuts (He et al. 2016), a layer
whose input is as wide as its output adds its input to what it gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from training.engine.perceptron import LEAK

NORMALISATIONS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


def bend(name: str) -> nn.Module:
    """torch's own module of an activation."""
    if name == "gelu":
        return nn.GELU(approximate="tanh")
    if name == "leaky_relu":
        return nn.LeakyReLU(LEAK)
    kinds = {"relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh, "elu": nn.ELU, "selu": nn.SELU, "mish": nn.Mish}
    module: nn.Module = kinds[name]()
    return module


class Block(nn.Module):
    """One hidden layer. Shape: (rows, source) to (rows, target)."""

    def __init__(self, source: int, target: int, activation: str, dropout: float, normalisation: str) -> None:
        super().__init__()
        self.linear = nn.Linear(source, target)
        self.norm = NORMALISATIONS[normalisation](target) if normalisation != "none" else nn.Identity()
        self.bend, self.drop = bend(activation), nn.Dropout(dropout)

    def forward(self, X: Tensor) -> Tensor:
        result: Tensor = self.drop(self.bend(self.norm(self.linear(X))))
        return result


class Network(nn.Module):
    """Shape: (rows, widths[0]) to (rows,) for one output, (rows, widths[-1]) for more."""

    def __init__(
        self, widths: Sequence[int], activation: str, dropout: float, normalisation: str, residual: bool
    ) -> None:
        super().__init__()
        hidden = list(pairwise(widths[:-1]))
        self.blocks = nn.ModuleList(Block(s, t, activation, dropout, normalisation) for s, t in hidden)
        self.shortcuts = [residual and source == target for source, target in hidden]
        self.last = nn.Linear(widths[-2], widths[-1])

    def forward(self, X: Tensor) -> Tensor:
        for block, shortcut in zip(self.blocks, self.shortcuts, strict=True):
            X = X + block(X) if shortcut else block(X)
        output: Tensor = self.last(X)
        return output.squeeze(1) if self.last.out_features == 1 else output
