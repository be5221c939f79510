"""Losses: each is the mean over the rows of a batch, computed on raw model outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from training.engine.family import BINARY, MULTICLASS, REGRESSION

if TYPE_CHECKING:
    from torch import Tensor

Loss = Callable[["Tensor", "Tensor"], "Tensor"]


def mse(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared error, 1/m Σ (z − y)². Shape: both (m,)."""
    return (output - target).square().mean()


def mae(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error, 1/m Σ |z − y|. Shape: both (m,)."""
    return (output - target).abs().mean()


def huber(output: Tensor, target: Tensor) -> Tensor:
    """Huber loss with its corner at one (standard deviation of the target): squared within, absolute beyond."""
    from torch.nn.functional import huber_loss

    return huber_loss(output, target)


def binary_cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """−1/m Σ [y log z + (1−y) log(1−z)] with z = sigmoid(output). Shape: both (m,); target 0 or 1.

    Computed from the output, not from z: log(sigmoid(−800)) underflows, log-sigmoid does not.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits

    return binary_cross_entropy_with_logits(output, target)


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """−1/m Σ log z[y] with z = softmax(output). Shape: output (m, classes), target (m,) class codes."""
    from torch.nn import functional

    return functional.cross_entropy(output, target)


LOSSES: dict[str, tuple[Loss, tuple[str, ...]]] = {
    "mse": (mse, (REGRESSION,)),
    "mae": (mae, (REGRESSION,)),
    "huber": (huber, (REGRESSION,)),
    "binary_cross_entropy": (binary_cross_entropy, (BINARY,)),
    "cross_entropy": (cross_entropy, (MULTICLASS,)),
}
CHOICES = ("auto", *LOSSES)
_DEFAULT = {REGRESSION: "mse", BINARY: "binary_cross_entropy", MULTICLASS: "cross_entropy"}


def names_for(task: str) -> list[str]:
    """The losses that fit a task."""
    return [name for name, (_, tasks) in LOSSES.items() if task in tasks]


def resolve(name: str, task: str) -> str:
    """Return the loss that `name` means for the task ("auto": its usual one)."""
    return _DEFAULT[task] if name == "auto" else name
