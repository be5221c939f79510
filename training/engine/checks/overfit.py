"""A model that has learned its training rows by heart."""

from __future__ import annotations

from typing import Any

from training.engine.data import finding
from training.engine.metrics import primary

SHARE = 0.5


def find(task: str, scores: dict[str, dict[str, float]], baseline: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """The share of what was gained over the constant on the training rows that is lost on rows never seen."""
    name, part = primary(task), "test" if scores["test"] else "validation"
    if not scores[part]:
        return []
    gained = baseline["train"][name] - scores["train"][name]
    kept = baseline[part][name] - scores[part][name]
    lost = (gained - kept) / gained if gained > 0 else 0.0
    if lost <= SHARE:
        return []
    message = f"{lost:.0%} of what the model gains over a constant on its training rows is lost on the {part} rows."
    fix = "Use more rows, fewer columns, or stronger weight decay."
    return [finding("overfit", "warning", message, test="gain lost", value=lost, threshold=SHARE, fix=fix)]
