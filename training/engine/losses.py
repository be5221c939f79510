"""Losses on raw model outputs. Each is given row by row, and its slope by the output beside it.

The mean over a batch weighs every row by its weight. Where a slope is not written out, autograd finds it from the
outputs alone, which costs little beside a layer. Targets of classification may be shares instead of classes: that is
what mixing rows and smoothing labels makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.engine.family import BINARY, MULTICLASS, REGRESSION

if TYPE_CHECKING:
    from torch import Tensor

Each = Callable[["Tensor", "Tensor"], "Tensor"]
Makers = Callable[[Mapping[str, Any]], "tuple[Each, Each | None]"]


@dataclass(frozen=True)
class Loss:
    """Shape: `each` gives (m,) from outputs (m,) or (m, classes); `slope` its derivative, in the outputs' shape."""

    name: str
    each: Each
    slope: Each | None = None

    def mean(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """1/m Σ w · loss; `weight` (m,) has a mean of one over the table, not over the batch."""
        each = self.each(output, target)
        return each.mean() if weight is None else each.dot(weight).div(each.shape[0])

    def both(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The mean, and its slope by the outputs."""
        import torch

        if self.slope is None:
            output = output.detach().requires_grad_()
            with torch.enable_grad():
                mean = self.mean(output, target, weight)
                return mean.detach(), torch.autograd.grad(mean, output)[0]
        rows = output.shape[0]
        if self.name == "mse" and weight is None:  # the usual case in as few passes as there can be
            away = output - target
            return away.dot(away).div_(rows), away.mul_(2.0 / rows)
        slope = self.slope(output, target)
        mean = self.mean(output, target, weight)
        if weight is not None:
            slope.mul_(weight if slope.dim() == 1 else weight[:, None])
        return mean, slope.div_(rows)


def mse(params: Mapping[str, Any]) -> tuple[Each, Each]:
    """Squared error, (z − y)²."""
    return lambda output, target: (output - target).square(), lambda output, target: (output - target).mul_(2.0)


def mae(params: Mapping[str, Any]) -> tuple[Each, Each]:
    """Absolute error, |z − y|."""
    return lambda output, target: (output - target).abs(), lambda output, target: (output - target).sign_()


def huber(params: Mapping[str, Any]) -> tuple[Each, Each]:
    """Huber loss with its corner at one (standard deviation of the target): squared within, absolute beyond."""
    from torch.nn.functional import huber_loss

    return (
        lambda output, target: huber_loss(output, target, reduction="none"),
        lambda output, target: (output - target).clamp_(-1.0, 1.0),
    )


def quantile(params: Mapping[str, Any]) -> tuple[Each, Each]:
    """Pinball loss (Koenker and Bassett 1978): its smallest mean is at the `quantile_level` quantile."""
    level = params["quantile_level"]
    return (
        lambda output, target: (output - target).clamp(min=0.0) - level * (output - target),
        lambda output, target: (output > target).to(output.dtype).sub_(level),
    )


def poisson(params: Mapping[str, Any]) -> tuple[Each, Each]:
    """Half the Poisson deviance with z = log of the mean: never below zero, and zero where the mean is the count."""
    from torch import xlogy

    return (
        lambda output, target: output.exp() - target - target * output + xlogy(target, target),
        lambda output, target: output.exp().sub_(target),
    )


def tweedie(params: Mapping[str, Any]) -> tuple[Each, Each]:
    """Half the Tweedie deviance of `tweedie_power` p between 1 and 2, with z = log of the mean (Jørgensen 1987)."""
    low, high = 1.0 - params["tweedie_power"], 2.0 - params["tweedie_power"]

    def each(output: Tensor, target: Tensor) -> Tensor:
        loss: Tensor = target**high / (low * high) - target * (low * output).exp() / low + (high * output).exp() / high
        return loss

    return each, lambda output, target: (high * output).exp_().sub_(target * (low * output).exp())


def binary_cross_entropy(params: Mapping[str, Any]) -> tuple[Each, Each]:
    """−[y log z + (1−y) log(1−z)] with z = sigmoid(output).

    Computed from the output, not from z: log(sigmoid(−800)) underflows, log-sigmoid does not.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    soft = _smooth(params)
    return (
        lambda output, target: binary_cross_entropy_with_logits(output, soft(output, target), reduction="none"),
        lambda output, target: torch.sigmoid(output).sub_(soft(output, target)),
    )


def cross_entropy(params: Mapping[str, Any]) -> tuple[Each, Each]:
    """−Σ y log z with z = softmax(output), y the share of each class: one for the row's own where it is a code."""
    import torch
    from torch.nn import functional

    soft = _smooth(params)

    def each(output: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(output, soft(output, target), reduction="none")

    def slope(output: Tensor, target: Tensor) -> Tensor:
        chances, shares = torch.softmax(output, 1), soft(output, target)
        if shares.dim() == 2:
            return chances.sub_(shares)
        chances[torch.arange(shares.shape[0], device=shares.device), shares] -= 1.0
        return chances

    return each, slope


def focal(params: Mapping[str, Any]) -> tuple[Each, None]:
    """Cross-entropy times (1 − z of the true class)^γ, so that rows already answered well weigh little (Lin 2017)."""
    from torch.nn import functional

    gamma, soft = params["focal_gamma"], _smooth(params)

    def each(output: Tensor, target: Tensor) -> Tensor:
        shares = soft(output, target)
        if output.dim() == 1:
            yes, no = functional.logsigmoid(output), functional.logsigmoid(-output)
            # 1 − sigmoid(z) is sigmoid(−z), whose logarithm is at hand.
            two: Tensor = shares * (gamma * no).exp() * yes + (1.0 - shares) * (gamma * yes).exp() * no
            return -two
        logs = functional.log_softmax(output, 1)
        whole = shares if shares.dim() == 2 else functional.one_hot(shares, output.shape[1]).to(output.dtype)
        many: Tensor = whole * (1.0 - logs.exp()).clamp(min=1e-12) ** gamma * logs
        return -many.sum(1)

    return each, None


def _smooth(params: Mapping[str, Any]) -> Each:
    """Give `label_smoothing` of every row to all classes alike (Szegedy 2016)."""
    share = params.get("label_smoothing", 0.0)
    if not share:
        return lambda output, target: target

    def soften(output: Tensor, target: Tensor) -> Tensor:
        from torch.nn.functional import one_hot

        classes = 2 if output.dim() == 1 else output.shape[1]
        whole = target if target.dim() == output.dim() else one_hot(target, classes).to(output.dtype)
        softened: Tensor = whole * (1.0 - share) + share / classes
        return softened

    return soften


LOSSES: dict[str, tuple[Makers, tuple[str, ...]]] = {
    "mse": (mse, (REGRESSION,)),
    "mae": (mae, (REGRESSION,)),
    "huber": (huber, (REGRESSION,)),
    "quantile": (quantile, (REGRESSION,)),
    "poisson": (poisson, (REGRESSION,)),
    "tweedie": (tweedie, (REGRESSION,)),
    "binary_cross_entropy": (binary_cross_entropy, (BINARY,)),
    "cross_entropy": (cross_entropy, (MULTICLASS,)),
    "focal": (focal, (BINARY, MULTICLASS)),
}
EVERY = ("auto", *LOSSES)
CHOICES = ("auto", "mse", "mae", "huber", "binary_cross_entropy", "cross_entropy")  # those that need no parameter
LOG_LINK = ("poisson", "tweedie")  # the output is the logarithm of the mean
SMOOTHED = ("binary_cross_entropy", "cross_entropy", "focal")
_DEFAULT = {REGRESSION: "mse", BINARY: "binary_cross_entropy", MULTICLASS: "cross_entropy"}


def make(name: str, params: Mapping[str, Any]) -> Loss:
    """The loss of that name with its own parameters out of `params`."""
    return Loss(name, *LOSSES[name][0](params))


def names_for(task: str) -> list[str]:
    """The losses that fit a task."""
    return [name for name, (_, tasks) in LOSSES.items() if task in tasks]


def resolve(name: str, task: str) -> str:
    """Return the loss that `name` means for the task ("auto": its usual one)."""
    return _DEFAULT[task] if name == "auto" else name
