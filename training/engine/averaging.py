"""Averages of the weights along the way, which answer better than where the last step happened to land.

- `ema`: an exponential average; what is older than 1/(1 − decay) steps hardly counts (Polyak and Juditsky 1992).
- `swa`: the plain mean of the last quarter of the steps (Izmailov et al. 2018).

Evaluations judge the average, and it is what is kept; the descent goes on from the weights themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

KINDS = ("none", "ema", "swa")
TAIL = 0.25


class Average:
    """The average of `module`'s weights. `taken` counts the steps in it."""

    def __init__(self, module: torch.nn.Module, params: Mapping[str, Any]) -> None:
        self.module = module
        self.kind, self.decay = params["averaging"], params["averaging_decay"]
        self.taken = 0
        self.values = {name: tensor.clone() for name, tensor in self._weights().items()}

    def _weights(self) -> dict[str, Tensor]:
        """Views of the weights, without whole numbers such as a count of batches."""
        return {name: t.detach() for name, t in self.module.state_dict().items() if t.is_floating_point()}

    def update(self, done: float) -> None:
        """Take the weights after a step; `done` is the share of the training that is done."""
        if self.kind == "swa" and done < 1.0 - TAIL:
            return
        self.taken += 1
        # While it is young, the exponential average is nearly the plain one: it must not remember the beginning.
        kept = 1.0 - 1.0 / self.taken if self.kind == "swa" else min(self.decay, self.taken / (10.0 + self.taken))
        for name, tensor in self._weights().items():
            self.values[name].lerp_(tensor, 1.0 - kept)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module with the average in the place of its weights."""
        own = {name: tensor.clone() for name, tensor in self._weights().items()}
        self.apply()
        try:
            yield
        finally:
            self._put(own)

    def apply(self) -> None:
        if self.taken:
            self._put(self.values)

    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, tensor in self._weights().items():
            tensor.copy_(values[name])
