"""K networks that share their weights, with their backward pass written out, over one flat tensor.

A member k has the weight r_k ⊙ W ⊙ s_k of every layer, and its own biases and head. The first layer's product with W is
one for all members: what differs there are its signs s_k and biases. The other layers' weights are spread out, one
matrix a member, which costs a fraction of a batch's product and makes the members' step one batched product; the
gradient is gathered back. A test holds it equal to autograd's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_aten = torch.ops.aten


@dataclass(frozen=True)
class Sizes:
    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    members: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The parts of the flat tensor; those that decay come first."""
        K, first, last = self.members, self.hidden[0], self.hidden[-1]
        matrices: dict[str, tuple[int, ...]] = {"weight_0": (self.inputs, first)}
        rest: dict[str, tuple[int, ...]] = {"scale_0": (K, first), "bias_0": (K, first)}
        for depth in range(1, len(self.hidden)):
            source, target = self.hidden[depth - 1 : depth + 1]
            matrices[f"weight_{depth}"] = (source, target)
            rest |= {f"in_{depth}": (K, source), f"scale_{depth}": (K, target), f"bias_{depth}": (K, target)}
        matrices["head"] = (K, last, self.outputs)
        return {**matrices, **rest, "level": (K, self.outputs)}


class Network:
    """Shape: (rows, inputs) to (members, rows, outputs). `theta` is flat; `parts` and `slopes` are views into it."""

    def __init__(self, sizes: Sizes, dropout: float, dtype: torch.dtype = torch.float32) -> None:
        self.sizes, self.dropout = sizes, dropout
        shapes = sizes.shapes()
        self.theta = torch.zeros(sum(math.prod(shape) for shape in shapes.values()), dtype=dtype)
        self.theta.grad = torch.zeros_like(self.theta)
        self.parts, self.slopes = (_views(flat, shapes) for flat in (self.theta, self.theta.grad))
        self.decaying = sum(
            math.prod(shape) for name, shape in shapes.items() if name == "head" or name.startswith("weight")
        )
        self.depth = len(sizes.hidden)
        self.boost = 1.0 / (1.0 - dropout)  # what is kept makes up for what is dropped
        self.pattern = torch.empty(0, dtype=dtype)

    def initialise(self, generator: torch.Generator) -> None:
        """Signs at random make the members differ; weights are normal, by their inputs."""
        for name, part in self.parts.items():
            if name.startswith("weight"):
                part.normal_(
                    0.0, part.shape[0] ** -0.5 * (2.0**0.5 if name != "weight_0" else 1.0), generator=generator
                )
            elif name == "head":
                part.uniform_(-(part.shape[1] ** -0.5), part.shape[1] ** -0.5, generator=generator)
            elif name == "scale_0":
                part.random_(0, 2, generator=generator).mul_(2.0).sub_(1.0)
            elif name.startswith(("in", "scale")):
                part.fill_(1.0)
            elif name == "bias_0":
                part.uniform_(-1.0, 1.0, generator=generator)

    def draw_pattern(self, rows: int, generator: torch.Generator) -> None:
        """The pattern by which numbers are dropped, for batches of so many rows."""
        if self.dropout:
            size = 4 * self.sizes.members * rows * max(self.sizes.hidden)
            kept = torch.rand(size, generator=generator, dtype=self.theta.dtype) >= self.dropout
            self.pattern = kept.to(self.theta.dtype).mul_(self.boost)

    def forward(self, P: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """With a generator (training) numbers are dropped, and what `backward` needs is kept."""
        parts = self.parts
        first = P @ parts["weight_0"]  # (rows, width)
        hidden = torch.addcmul(parts["bias_0"][:, None], first, parts["scale_0"][:, None])  # (members, rows, width)
        layers, weights = [self._drop(torch.relu_(hidden), generator)], []
        for depth in range(1, self.depth):
            weights.append(self._weight(depth))
            hidden = torch.baddbmm(parts[f"bias_{depth}"][:, None], layers[-1], weights[-1])
            layers.append(self._drop(torch.relu_(hidden), generator))
        if generator is not None:
            self.P, self.first, self.layers, self.weights = P, first, layers, weights
        return self._answer(layers[-1])

    def _weight(self, depth: int) -> Tensor:
        """Every member's weight. Shape: (members, in, out)."""
        spread = self.parts[f"weight_{depth}"] * self.parts[f"in_{depth}"][:, :, None]
        return spread.mul_(self.parts[f"scale_{depth}"][:, None])

    def _answer(self, hidden: Tensor) -> Tensor:
        head, level = self.parts["head"], self.parts["level"][:, None]
        if self.sizes.outputs > 1:
            return torch.baddbmm(level, hidden, head)
        return (hidden * head.mT).sum(2, keepdim=True).add_(level)  # five times as fast as a product of width one

    def _drop(self, hidden: Tensor, generator: torch.Generator | None) -> Tensor:
        """Drop numbers by a stretch of a fixed random pattern: to draw one anew costs more than the layer's product."""
        if generator is None or not len(self.pattern):
            return hidden
        start = int(torch.randint(len(self.pattern) - hidden.numel(), (), generator=generator))
        return hidden.mul_(self.pattern[start : start + hidden.numel()].view(hidden.shape))

    def backward(self, slope: Tensor) -> None:
        """Fill the gradient from the loss's slope by the outputs. Shape: (members, rows, outputs)."""
        parts, slopes = self.parts, self.slopes
        slopes["head"].copy_(torch.bmm(slope.mT, self.layers[-1]).mT)
        torch.sum(slope, 1, out=slopes["level"])
        if self.sizes.outputs > 1:
            slope = self._bend(torch.bmm(slope, parts["head"].mT).mul_(self.boost), self.depth - 1)
        else:
            slope = self._bend(slope * (parts["head"].mT * self.boost), self.depth - 1)
        for depth in range(self.depth - 1, 0, -1):
            below = self.layers[depth - 1]
            self._gather(depth, torch.bmm(below.mT, slope))
            torch.sum(slope, 1, out=slopes[f"bias_{depth}"])
            slope = torch.baddbmm(below, slope, self.weights[depth - 1].mT, beta=0.0, alpha=self.boost)
            self._bend(slope, depth - 1)
        torch.sum(slope, 1, out=slopes["bias_0"])
        torch.sum(slope * self.first, 1, out=slopes["scale_0"])
        torch.mm(self.P.mT, slope.mul_(parts["scale_0"][:, None]).sum(0), out=slopes["weight_0"])

    def _bend(self, slope: Tensor, depth: int) -> Tensor:
        """No slope where a number was dropped or below zero: both left a zero."""
        bent: Tensor = _aten.threshold_backward.grad_input(slope, self.layers[depth], 0.0, grad_input=slope)
        return bent

    def _gather(self, depth: int, spread: Tensor) -> None:
        """From the slope by every member's weight (members, in, out) to those by what they are made of."""
        weight, inner, outer = (self.parts[f"{name}_{depth}"] for name in ("weight", "in", "scale"))
        scaled = spread * outer[:, None]
        torch.sum(scaled * inner[:, :, None], 0, out=self.slopes[f"weight_{depth}"])
        torch.sum(scaled.mul_(weight), 2, out=self.slopes[f"in_{depth}"])
        torch.sum(spread.mul_(weight).mul_(inner[:, :, None]), 1, out=self.slopes[f"scale_{depth}"])


def _views(flat: Tensor, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    parts: Sequence[Tensor] = torch.split(flat.detach(), [math.prod(shape) for shape in shapes.values()])
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
