"""A multi-layer perceptron with its backward pass written out, over one flat tensor of all weights and biases.

Autograd spends more on bookkeeping than a layer of this size spends on arithmetic. Here a step is the matrix products,
the bends, and one optimiser kernel over one tensor; every intermediate result goes into a buffer that is reused.
Weights lie as (in, out): the layout in which the product that makes their gradient is fastest. A test holds the
gradients equal to autograd's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from training.engine.fit import Loop
from training.engine.flat import Flat

_aten = torch.ops.aten
BYTES = 256  # dropout draws one random byte a number, an eighth of the cost of a random float
LEAK, SELU = 0.01, (1.0507009873554805, 1.6732632423543772)  # Klambauer et al. 2017: scale and alpha


@dataclass(frozen=True)
class Bend:
    """An activation: `forward(z, out)`, and `backward(slope, z, a)`, which from the slope by a puts that by z into a.

    A `plain` one knows its slope from what it gave: z and a may be one buffer.
    """

    forward: Callable[[Tensor, Tensor], Any]
    backward: Callable[[Tensor, Tensor, Tensor], Any]
    plain: bool = False


def _exponential(scale: float, alpha: float) -> Bend:
    """ELU and its scaled form, whose slope is read off the result."""
    return Bend(
        lambda z, out: _aten.elu.out(z, alpha, scale, 1.0, out=out),
        lambda slope, z, a: _aten.elu_backward.grad_input(slope, alpha, scale, 1.0, True, a, grad_input=a),
        plain=True,
    )


BENDS = {
    "relu": Bend(
        lambda z, out: out.relu_() if z is out else torch.clamp_min(z, 0.0, out=out),
        lambda slope, z, a: _aten.threshold_backward.grad_input(slope, a, 0.0, grad_input=a),
        plain=True,
    ),
    "leaky_relu": Bend(
        lambda z, out: _aten.leaky_relu.out(z, LEAK, out=out),
        lambda slope, z, a: _aten.leaky_relu_backward.grad_input(slope, a, LEAK, True, grad_input=a),
        plain=True,
    ),
    "tanh": Bend(
        lambda z, out: torch.tanh(z, out=out),
        lambda slope, z, a: _aten.tanh_backward.grad_input(slope, a, grad_input=a),
        plain=True,
    ),
    "elu": _exponential(1.0, 1.0),
    "selu": _exponential(*SELU),
    "silu": Bend(
        lambda z, out: _aten.silu.out(z, out=out),
        lambda slope, z, a: _aten.silu_backward.grad_input(slope, z, grad_input=a),
    ),
    "gelu": Bend(
        lambda z, out: _aten.gelu.out(z, approximate="tanh", out=out),
        lambda slope, z, a: _aten.gelu_backward.grad_input(slope, z, approximate="tanh", grad_input=a),
    ),
    "mish": Bend(
        lambda z, out: _aten.mish.out(z, out=out),
        lambda slope, z, a: a.copy_(_aten.mish_backward(slope, z)),
    ),
}


@dataclass(frozen=True)
class Layer:
    """One layer's views into the flat tensor. Shape: weight (in, out), bias (out,), and their gradients alike.

    Views that are made once, here and in the buffers, are not made at every step: each costs a microsecond or two.
    """

    weight: Tensor
    bias: Tensor
    weight_slope: Tensor
    bias_slope: Tensor
    turned: Tensor  # (out, in)


class Buffers:
    """What a step of so many rows writes into; an evaluation needs less. Shape: of every layer (rows, out).

    As few as there can be, since a step of a small batch has to stay in the processor's cache: on the way back, every
    layer's slope by z takes the place of its a, and all slopes by a share one room.
    """

    def __init__(
        self, rows: int, widths: Sequence[int], like: Tensor, *, plain: bool, dropout: bool, training: bool
    ) -> None:
        def layers() -> list[Tensor]:
            return [like.new_empty(rows, width) for width in widths[1:]]

        self.a = layers()
        self.z = self.a if plain else layers()
        self.keep, self.left = (layers(), layers()) if dropout else ([], self.a)
        room = like.new_empty(rows * max(widths[1:]) if training else 0)
        self.slope = [room[: rows * width].view(rows, width) for width in widths[1:]] if training else []
        self.output = self.a[-1].squeeze(1) if widths[-1] == 1 else self.a[-1]
        self.given = [below.t() for below in self.left]  # to the layers above the first, as (out, rows)


class Perceptron(torch.nn.Module):
    """Shape: (rows, widths[0]) to (rows,) for one output, (rows, widths[-1]) for more.

    Weights begin as torch.nn.Linear's do: evenly within ±1/√inputs. With a `low` precision the products of training are
    taken in it, from a copy of the weights that is made anew at every step; the weights and their evaluation are not.
    """

    def __init__(self, widths: Sequence[int], activation: str, dropout: float, low: torch.dtype | None = None) -> None:
        super().__init__()
        self.widths, self.activation, self.low = list(widths), activation, low
        self.bend = BENDS[activation]
        self.threshold = round(dropout * BYTES)
        size = sum((source + 1) * target for source, target in pairwise(widths))
        self.theta = torch.nn.Parameter(torch.empty(size), requires_grad=False)
        self.rooms: dict[tuple[int, bool], Buffers] = {}
        self.last: list[Any] = [None, None, None]
        self.tie()
        for layer in self.layers:
            bound = layer.weight.shape[0] ** -0.5
            layer.weight.uniform_(-bound, bound)
            layer.bias.uniform_(-bound, bound)

    def tie(self) -> None:
        """Make the layers views of the flat tensor and its gradient, on the device where these are now."""
        self.theta.grad = torch.zeros_like(self.theta)
        self.layers = self._layers(self.theta.detach(), self.theta.grad)
        self.drafts = self.layers
        if self.low is not None:
            self.draft, self.draft_slope = (torch.zeros_like(self.theta, dtype=self.low) for _ in range(2))
            self.drafts = self._layers(self.draft, self.draft_slope)
        self.rooms.clear()

    def _layers(self, flat: Tensor, flat_slope: Tensor) -> list[Layer]:
        shapes = [shape for pair in pairwise(self.widths) for shape in (pair, pair[1:])]
        values, slopes = _views(flat, shapes), _views(flat_slope, shapes)
        parts = zip(values[::2], values[1::2], slopes[::2], slopes[1::2], strict=True)
        return [Layer(*tensors, tensors[0].t()) for tensors in parts]

    def to(self, *args: Any, **kwargs: Any) -> Perceptron:
        super().to(*args, **kwargs)
        self.tie()
        return self

    def forward(self, X: Tensor) -> Tensor:
        """Leaves in `last`, for `backward`, the inputs, the layers used and every layer's results."""
        layers = self.layers
        if self.low is not None and self.training:
            layers, X = self.drafts, X.to(self.low)
            self.draft.copy_(self.theta)
        now = self._room(X)
        self.last[:] = X, layers, now
        hidden, top = X, len(layers) - 1
        for depth, layer in enumerate(layers):
            z, a = now.z[depth], now.a[depth]
            if depth == top:
                torch.addmm(layer.bias, hidden, layer.weight, out=a)
                break
            torch.addmm(layer.bias, hidden, layer.weight, out=z)
            self.bend.forward(z, a)
            hidden = self._drop(now, depth)
        return now.output if self.low is None else now.output.to(self.theta.dtype)

    def _drop(self, now: Buffers, depth: int) -> Tensor:
        a = now.a[depth]
        if not (self.training and self.threshold):
            return a
        keep = now.keep[depth]
        words = torch.empty(-(-keep.numel() // 8), dtype=torch.int64, device=a.device).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: keep.numel()].view(keep.shape) >= self.threshold
        torch.mul(kept, BYTES / (BYTES - self.threshold), out=keep)
        return torch.mul(a, keep, out=now.left[depth])  # the slope of a plain bend is read off `a`

    def backward(self, slope: Tensor) -> None:
        """Fill the gradients from the loss's slope by the outputs. Shape: that of the outputs."""
        X, layers, now = self.last
        slope = slope.view(X.shape[0], -1) if self.low is None else slope.view(X.shape[0], -1).to(self.low)
        for depth in range(len(layers) - 1, -1, -1):
            layer = layers[depth]
            torch.mm(now.given[depth - 1] if depth else X.t(), slope, out=layer.weight_slope)
            torch.sum(slope, 0, out=layer.bias_slope)
            if depth:
                below = torch.mm(slope, layer.turned, out=now.slope[depth - 1])
                if self.threshold:
                    below.mul_(now.keep[depth - 1])
                slope = now.a[depth - 1]
                self.bend.backward(below, now.z[depth - 1], slope)
        if layers is not self.layers:
            self.theta.grad.copy_(self.draft_slope)  # type: ignore[union-attr]

    def _room(self, X: Tensor) -> Buffers:
        key = (X.shape[0], self.training)
        if key not in self.rooms:
            if len(self.rooms) >= 4:  # a batch, an evaluation, the last of each: more would only hold memory
                self.rooms.clear()
            dropout = self.training and self.threshold > 0
            plain = self.bend.plain
            self.rooms[key] = Buffers(X.shape[0], self.widths, X, plain=plain, dropout=dropout, training=self.training)
        return self.rooms[key]


def _views(flat: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    parts = torch.split(flat, [math.prod(shape) for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


class HandLoop(Loop):
    """The loop with the perceptron's own backward pass and an optimiser over its one tensor."""

    module: Perceptron

    def make_optimiser(self) -> None:
        self.flat = Flat(self.module.theta, self.params)

    def descend(self) -> None:
        self.flat.step(self.rate, self.step + 1)

    def moments(self) -> dict[str, Tensor]:
        return self.flat.moments

    def load_moments(self, moments: Mapping[str, Tensor]) -> None:
        for name, kept in moments.items():
            self.flat.moments[name].copy_(kept)

    def gradients(self) -> list[Tensor]:
        assert self.module.theta.grad is not None
        return [self.module.theta.grad]

    def differentiate(self, X: Tensor, y: Tensor, w: Tensor | None) -> Tensor:
        loss, slope = self.loss.both(self.module.forward(X), y, w)
        self.module.backward(slope)
        return loss
