"""A model that does no better than a constant answer."""

from __future__ import annotations

from typing import Any

from training.engine.data import finding
from training.engine.metrics import primary


def find(task: str, scores: dict[str, dict[str, float]], baseline: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """Compare on the test rows, or on the validation rows where there is no test part."""
    name, part = primary(task), "test" if scores["test"] else "validation"
    if not scores[part]:
        return []
    ours, constant = scores[part][name], baseline[part][name]
    if ours < constant:
        return []
    message = (
        f"No better than a constant answer: {name} {ours:.4g} on the {part} rows, the constant's is {constant:.4g}."
    )
    fix = "Add columns that tell something about the target, or check that it was read as meant."
    return [finding("worse_than_baseline", "error", message, test=name, value=ours, threshold=constant, fix=fix)]
