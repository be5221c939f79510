"""The optimisers over one flat tensor, in as few kernels as each needs.

torch.optim's own bookkeeping costs more than its kernel on a network of this size; a test holds the steps equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

FIRST, SECOND, TINY = 0.9, 0.999, 1e-8  # Adam's usual constants


class Flat:
    """SGD, Nesterov momentum, Adam or AdamW on `theta`, whose gradient lies in `theta.grad`. No gradient is kept."""

    def __init__(self, theta: Tensor, params: Mapping[str, Any]) -> None:
        self.theta, self.params = theta, params
        self.descend = getattr(self, f"_{params['optimiser']}")
        self.decay = params["weight_decay"]
        self.moments = {name: torch.zeros_like(theta) for name in ("first", "second")}
        self.scratch = torch.empty_like(theta)

    def step(self, rate: float, now: int) -> None:
        """Take step number `now`, counted from 1."""
        slope = self.theta.grad
        assert slope is not None
        if self.decay and self.params["optimiser"] == "adamw":
            self.theta.mul_(1.0 - rate * self.decay)
        elif self.decay:
            slope.add_(self.theta, alpha=self.decay)
        self.descend(rate, slope, now)

    def _sgd(self, rate: float, slope: Tensor, now: int) -> None:
        self.theta.sub_(slope, alpha=rate)

    def _momentum(self, rate: float, slope: Tensor, now: int) -> None:
        kept = self.params["momentum"]
        velocity = self.moments["first"].mul_(kept).add_(slope)
        self.theta.sub_(slope.add_(velocity, alpha=kept), alpha=rate)

    def _adam(self, rate: float, slope: Tensor, now: int) -> None:
        first = self.moments["first"].lerp_(slope, 1.0 - FIRST)
        second = self.moments["second"].mul_(SECOND).addcmul_(slope, slope, value=1.0 - SECOND)
        torch.sqrt(second, out=self.scratch)
        self.scratch.div_((1.0 - SECOND**now) ** 0.5).add_(TINY)
        self.theta.addcdiv_(first, self.scratch, value=-rate / (1.0 - FIRST**now))

    _adamw = _adam
