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
        self.count = torch.zeros((), dtype=torch.float32, device=theta.device)

    def step(self, rate: float, now: int) -> None:
        """Take step number `now`, counted from 1."""
        slope = self.theta.grad
        assert slope is not None
        self.descend(rate, slope, now)

    def _sgd(self, rate: float, slope: Tensor, now: int) -> None:
        self._pull(slope)
        self.theta.sub_(slope, alpha=rate)

    def _momentum(self, rate: float, slope: Tensor, now: int) -> None:
        self._pull(slope)
        kept = self.params["momentum"]
        velocity = self.moments["first"].mul_(kept).add_(slope)
        self.theta.sub_(slope.add_(velocity, alpha=kept), alpha=rate)

    def _pull(self, slope: Tensor) -> None:
        if self.decay:
            slope.add_(self.theta, alpha=self.decay)

    def _adam(self, rate: float, slope: Tensor, now: int) -> None:
        self._fused(torch._fused_adam_, rate, slope, now)

    def _adamw(self, rate: float, slope: Tensor, now: int) -> None:
        self._fused(torch._fused_adamw_, rate, slope, now)

    def _fused(self, kernel: Any, rate: float, slope: Tensor, now: int) -> None:
        """torch's own kernel for all of a step, without what torch.optim does around it."""
        self.count.fill_(now)
        kernel(
            [self.theta],
            [slope],
            [self.moments["first"]],
            [self.moments["second"]],
            [],
            [self.count],
            lr=rate,
            beta1=FIRST,
            beta2=SECOND,
            weight_decay=self.decay,
            eps=TINY,
            amsgrad=False,
            maximize=False,
        )
