"""A multi-layer perceptron with its backward pass written out, over one flat tensor of all weights and biases.

Autograd spends more on bookkeeping than a layer of this size spends on arithmetic. Here a step is the matrix products,
the bends, and one optimiser kernel over one tensor; every intermediate result goes into a buffer that is reused.
A test holds the gradients equal to autograd's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from training.engine.fit import Loop
from training.engine.flat import Flat

_aten = torch.ops.aten
BYTES = 256  # dropout draws one random byte a number, an eighth of the cost of a random float


class Bend:
    """An activation: `forward(z, out)` and `backward(slope, z, a)`, which turns the slope by a into that by z."""

    def __init__(
        self, forward: Callable[[Tensor, Tensor], Any], backward: Callable[[Tensor, Tensor, Tensor], Any]
    ) -> None:
        self.forward = forward
        self.backward = backward


BENDS = {
    "relu": Bend(
        lambda z, out: torch.clamp_min(z, 0.0, out=out),
        lambda slope, z, a: _aten.threshold_backward.grad_input(slope, a, 0.0, grad_input=slope),
    ),
    "tanh": Bend(
        lambda z, out: torch.tanh(z, out=out),
        lambda slope, z, a: _aten.tanh_backward.grad_input(slope, a, grad_input=slope),
    ),
    "silu": Bend(
        lambda z, out: _aten.silu.out(z, out=out),
        lambda slope, z, a: _aten.silu_backward.grad_input(slope, z, grad_input=slope),
    ),
    "gelu": Bend(
        lambda z, out: _aten.gelu.out(z, approximate="tanh", out=out),
        lambda slope, z, a: _aten.gelu_backward.grad_input(slope, z, approximate="tanh", grad_input=slope),
    ),
}


class Layer:
    """One layer's views into the flat tensor. Shape: weight (out, in), bias (out,), and their gradients alike."""

    def __init__(self, weight: Tensor, bias: Tensor, weight_slope: Tensor, bias_slope: Tensor) -> None:
        self.weight, self.bias = weight, bias
        self.weight_slope, self.bias_slope = weight_slope, bias_slope


class Buffers:
    """What a step of so many rows writes into. Shape: z, a, slope and keep of a layer (rows, out)."""

    def __init__(self, rows: int, widths: Sequence[int], like: Tensor, *, bent: bool, dropout: bool) -> None:
        def layers() -> list[Tensor]:
            return [like.new_empty(rows, width) for width in widths[1:]]

        self.a, self.slope = layers(), layers()
        # ReLU and tanh know their slope from what they gave: z and a may be one buffer.
        self.z = layers() if bent else self.a
        self.keep = layers() if dropout else []


class Perceptron(torch.nn.Module):
    """Shape: (rows, widths[0]) to (rows,) for one output, (rows, widths[-1]) for more.

    Weights begin as torch.nn.Linear's do: evenly within ±1/√inputs.
    """

    def __init__(self, widths: Sequence[int], activation: str, dropout: float) -> None:
        super().__init__()
        self.widths, self.activation = list(widths), activation
        self.bend = BENDS[activation]
        self.threshold = round(dropout * BYTES)
        size = sum((source + 1) * target for source, target in pairwise(widths))
        self.theta = torch.nn.Parameter(torch.empty(size), requires_grad=False)
        self.layers: list[Layer] = []
        self.rooms: dict[int, Buffers] = {}
        self.tie()
        for layer in self.layers:
            bound = layer.weight.shape[1] ** -0.5
            layer.weight.uniform_(-bound, bound)
            layer.bias.uniform_(-bound, bound)

    def tie(self) -> None:
        """Make the layers views of the flat tensor and its gradient, on the device where these are now."""
        self.theta.grad = torch.zeros_like(self.theta)
        shapes = [shape for s, t in pairwise(self.widths) for shape in ((t, s), (t,))]
        values, slopes = (_views(flat, shapes) for flat in (self.theta.detach(), self.theta.grad))
        pairs = zip(values[::2], values[1::2], slopes[::2], slopes[1::2], strict=True)
        self.layers = [Layer(*tensors) for tensors in pairs]
        self.rooms.clear()

    def to(self, *args: Any, **kwargs: Any) -> Perceptron:
        super().to(*args, **kwargs)
        self.tie()
        return self

    def forward(self, X: Tensor) -> Tensor:
        """Keeps, for `backward`, the inputs and every layer's results."""
        self.X, self.now = X, self._room(len(X))
        hidden, last = X, len(self.layers) - 1
        for depth, layer in enumerate(self.layers):
            z, a = self.now.z[depth], self.now.a[depth]
            torch.addmm(layer.bias, hidden, layer.weight.t(), out=z if depth < last else a)
            if depth < last:
                self.bend.forward(z, a)
                hidden = self._drop(a, depth)
        return self.now.a[-1].squeeze(1) if self.widths[-1] == 1 else self.now.a[-1]

    def _drop(self, a: Tensor, depth: int) -> Tensor:
        if not (self.training and self.threshold):
            return a
        keep = self.now.keep[depth]
        words = torch.empty(-(-keep.numel() // 8), dtype=torch.int64, device=a.device).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: keep.numel()].view(keep.shape) >= self.threshold
        torch.mul(kept, BYTES / (BYTES - self.threshold), out=keep)
        # The slope of ReLU and tanh is read off `a`, so that what is dropped goes elsewhere.
        return torch.mul(a, keep, out=self.now.slope[depth])  # free until the backward pass

    def backward(self, slope: Tensor) -> None:
        """Fill the gradients from the loss's slope by the outputs. Shape: that of the outputs."""
        now, slope = self.now, slope.view(len(self.X), -1)
        for depth in range(len(self.layers) - 1, -1, -1):
            layer, hidden = self.layers[depth], self._below(depth)
            torch.mm(slope.t(), hidden, out=layer.weight_slope)
            torch.sum(slope, 0, out=layer.bias_slope)
            if depth:
                under = now.slope[depth - 1]
                slope = torch.mm(slope, layer.weight, out=under)
                if self.training and self.threshold:
                    slope.mul_(now.keep[depth - 1])
                self.bend.backward(slope, now.z[depth - 1], now.a[depth - 1])

    def _below(self, depth: int) -> Tensor:
        """What the layer was given: the rows, or what the layer below left of its results."""
        if not depth:
            return self.X
        return self.now.slope[depth - 1] if self.training and self.threshold else self.now.a[depth - 1]

    def _room(self, rows: int) -> Buffers:
        if rows not in self.rooms:
            if len(self.rooms) >= 4:  # a batch, an evaluation, the last of each: more would only hold memory
                self.rooms.clear()
            bent, dropout = self.activation not in {"relu", "tanh"}, self.threshold > 0
            self.rooms[rows] = Buffers(rows, self.widths, self.theta, bent=bent, dropout=dropout)
        return self.rooms[rows]


def _views(flat: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    parts = torch.split(flat, [math.prod(shape) for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


class HandLoop(Loop):
    """The loop with the perceptron's own backward pass and an optimiser over its one tensor."""

    module: Perceptron

    def make_optimiser(self) -> None:
        self.flat = Flat(self.module.theta, self.params)

    def descend(self) -> None:
        self.rate = self.schedule(self.step)
        self.flat.step(self.rate, self.step + 1)

    def moments(self) -> dict[str, Tensor]:
        return self.flat.moments

    def load_moments(self, moments: Mapping[str, Tensor]) -> None:
        for name, kept in moments.items():
            self.flat.moments[name].copy_(kept)

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        if self.module.training:
            self.slope = SLOPES[self.loss_name](output, y)
        return super().loss(output, y)

    def backward(self, loss: Tensor) -> None:
        self.module.backward(self.slope)
        self.clip()


def _mse(output: Tensor, y: Tensor) -> Tensor:
    return (output - y).mul_(2.0 / len(y))


def _mae(output: Tensor, y: Tensor) -> Tensor:
    return (output - y).sign_().div_(len(y))


def _huber(output: Tensor, y: Tensor) -> Tensor:
    return (output - y).clamp_(-1.0, 1.0).div_(len(y))


def _binary(output: Tensor, y: Tensor) -> Tensor:
    return torch.sigmoid(output).sub_(y).div_(len(y))


def _classes(output: Tensor, y: Tensor) -> Tensor:
    slope = torch.softmax(output, 1)
    slope[torch.arange(len(y), device=y.device), y] -= 1.0
    return slope.div_(len(y))


# The slope of each loss of losses.py by the outputs.
SLOPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": _mse,
    "mae": _mae,
    "huber": _huber,
    "binary_cross_entropy": _binary,
    "cross_entropy": _classes,
}
