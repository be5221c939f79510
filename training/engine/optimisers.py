"""Optimisers, fused: one kernel over all weights where the device has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.optim import Optimizer

Groups = list[dict[str, Any]]


def sgd(groups: Groups, params: Mapping[str, Any]) -> Optimizer:
    import torch

    return torch.optim.SGD(groups, lr=params["learning_rate"], weight_decay=params["weight_decay"], fused=True)


def momentum(groups: Groups, params: Mapping[str, Any]) -> Optimizer:
    """Nesterov's accelerated gradient with a constant momentum."""
    import torch

    return torch.optim.SGD(
        groups,
        lr=params["learning_rate"],
        momentum=params["momentum"],
        nesterov=params["momentum"] > 0,
        weight_decay=params["weight_decay"],
        fused=True,
    )


def adam(groups: Groups, params: Mapping[str, Any]) -> Optimizer:
    import torch

    return torch.optim.Adam(groups, lr=params["learning_rate"], weight_decay=params["weight_decay"], fused=True)


def adamw(groups: Groups, params: Mapping[str, Any]) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""
    import torch

    return torch.optim.AdamW(groups, lr=params["learning_rate"], weight_decay=params["weight_decay"], fused=True)


OPTIMISERS: dict[str, Callable[[Groups, Mapping[str, Any]], Optimizer]] = {
    "sgd": sgd,
    "momentum": momentum,
    "adam": adam,
    "adamw": adamw,
}
