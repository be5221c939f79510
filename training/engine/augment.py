"""Augmentation for tables: rows that are not in the table but could be.

- noise: every number is moved a little, by `noise` standard deviations of its column (Bishop 1995: a smoothness penalty).
- mixup: every row is blended with another of its batch, and so are their targets (Zhang et al. 2018); `mixup` is the
  Beta distribution's parameter: the larger, the more even the blends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def augment(X: Tensor, y: Tensor, params: Mapping[str, Any], classes: int) -> tuple[Tensor, Tensor]:
    """Shape: X (m, features); y (m,), which mixup turns into (m, classes) shares where there are more than two.

    Draws from torch's own random stream, whose state goes into the checkpoint.
    """
    import torch

    if params["noise"]:
        X = X.add(torch.randn_like(X), alpha=params["noise"])
    if params["mixup"]:
        gammas = torch._standard_gamma(torch.full((2,), float(params["mixup"]), dtype=torch.float64))
        share = float(gammas[0] / gammas.sum())
        partner = torch.randperm(len(X)).to(X.device)
        if classes > 1:
            y = torch.nn.functional.one_hot(y, classes).to(X.dtype)
        X, y = torch.lerp(X[partner], X, share), torch.lerp(y[partner], y, share)
    return X, y
