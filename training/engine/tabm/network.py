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

    def forward(self, P: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """With a generator (training) numbers are dropped, and what `backward` needs is kept."""
        parts = self.parts
        first = P @ parts["weight_0"]  # (rows, width)
        hidden = torch.addcmul(parts["bias_0"][:, None], first, parts["scale_0"][:, None])  # (members, rows, width)
        bent, weights, kept = [torch.relu_(hidden)], [], []
        for depth in range(1, self.depth):
            hidden, keep = self._drop(hidden, generator)
            weight = self._weight(depth)
            kept.append((hidden, keep))
            weights.append(weight)
            hidden = torch.relu_(torch.baddbmm(parts[f"bias_{depth}"][:, None], hidden, weight))
            bent.append(hidden)
        hidden, keep = self._drop(hidden, generator)
        kept.append((hidden, keep))
        if generator is not None:
            self.P, self.first, self.bent, self.weights, self.kept = P, first, bent, weights, kept
        return torch.baddbmm(parts["level"][:, None], hidden, parts["head"])

    def _weight(self, depth: int) -> Tensor:
        """Every member's weight. Shape: (members, in, out)."""
        spread = self.parts[f"weight_{depth}"] * self.parts[f"in_{depth}"][:, :, None]
        return spread.mul_(self.parts[f"scale_{depth}"][:, None])

    def _drop(self, hidden: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor | None]:
        if generator is None or not self.dropout:
            return hidden, None
        # One random byte a number, an eighth of the cost of a random float.
        words = torch.empty(-(-hidden.numel() // 8), dtype=torch.int64).random_(-(2**63), None, generator=generator)
        whole = words.view(torch.uint8)[: hidden.numel()].view(hidden.shape)
        threshold = round(256 * self.dropout)
        keep = (whole >= threshold).to(hidden.dtype).mul_(256 / (256 - threshold))
        return hidden * keep, keep

    def backward(self, slope: Tensor) -> None:
        """Fill the gradient from the loss's slope by the outputs. Shape: (members, rows, outputs)."""
        parts, slopes = self.parts, self.slopes
        hidden, keep = self.kept[-1]
        torch.bmm(hidden.mT, slope, out=slopes["head"])
        torch.sum(slope, 1, out=slopes["level"])
        slope = torch.bmm(slope, parts["head"].mT)
        for depth in range(self.depth - 1, 0, -1):
            slope = self._bend(slope, keep, depth)
            hidden, keep = self.kept[depth - 1]
            self._gather(depth, torch.bmm(hidden.mT, slope))
            torch.sum(slope, 1, out=slopes[f"bias_{depth}"])
            slope = torch.bmm(slope, self.weights[depth - 1].mT)
        slope = self._bend(slope, keep, 0)
        torch.sum(slope, 1, out=slopes["bias_0"])
        torch.sum(slope * self.first, 1, out=slopes["scale_0"])
        torch.mm(self.P.mT, slope.mul_(parts["scale_0"][:, None]).sum(0), out=slopes["weight_0"])

    def _bend(self, slope: Tensor, keep: Tensor | None, depth: int) -> Tensor:
        if keep is not None:
            slope.mul_(keep)
        bent: Tensor = _aten.threshold_backward.grad_input(slope, self.bent[depth], 0.0, grad_input=slope)
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
