"""A fit that diverged, and whose best weights before that are the model."""

from __future__ import annotations

from typing import Any

from training.engine.data import finding


def find(label: str, warning: str) -> list[dict[str, Any]]:
    """`warning` says at which step, loss and learning rate the candidate `label` diverged; empty where it did not."""
    if not warning:
        return []
    fix = "Train again with the learning rate named; if it diverges too, set clip to 1 or look for extreme values."
    return [finding("divergence", "warning", f"{label}: {warning}", test="diverged", value=1.0, threshold=0.0, fix=fix)]
