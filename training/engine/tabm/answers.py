"""The losses of K members: the mean of the members' losses to train by, the loss of their common answer to judge by.

Trained by the loss of their mean, the members would lean on each other and none would learn the table (TabM, section 3).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

TINY = 1e-30  # the smallest probability whose logarithm is taken

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def _mse(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    off = output[..., 0] - y
    return off.square(), 2.0 * off[..., None]


def _mae(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    off = output[..., 0] - y
    return off.abs(), off.sign()[..., None]


def _huber(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    off = output[..., 0] - y
    near = off.clamp(-1.0, 1.0)
    return near * (off - 0.5 * near), near[..., None]


def _binary(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    z = output[..., 0]
    return functional.softplus(z) - y * z, (torch.sigmoid(z) - y)[..., None]


def _classes(output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    log = torch.log_softmax(output, -1)
    places = y.expand(output.shape[:-1])[..., None]
    return -log.gather(-1, places)[..., 0], log.exp().scatter_add_(-1, places, -torch.ones_like(log[..., :1]))


# Each gives the losses (members, rows) and their slopes (members, rows, outputs) from outputs and targets (rows,).
LOSSES: dict[str, Loss] = {
    "mse": _mse,
    "mae": _mae,
    "huber": _huber,
    "binary_cross_entropy": _binary,
    "cross_entropy": _classes,
}


def common(output: Tensor, loss: str) -> Tensor:
    """The members' common answer on the link's scale: that of their mean value or mean probability.

    Shape: (members, rows, outputs) to (1, rows, outputs).
    """
    if loss == "binary_cross_entropy":
        yes, no = (torch.sigmoid(side).mean(0, keepdim=True).clamp_min(TINY).log() for side in (output, -output))
        return yes - no
    if loss == "cross_entropy":
        return torch.softmax(output, -1).mean(0, keepdim=True).clamp_min(TINY).log()
    return output.mean(0, keepdim=True)
