"""Checks on a training: each module finds one kind of trouble and says it as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.engine.checks import baseline as against_baseline
from training.engine.checks import overfit

if TYPE_CHECKING:
    from training.engine.data import Source

Scores = dict[str, dict[str, float]]


def after(source: Source, scores: Scores, baseline: Scores) -> list[dict[str, Any]]:
    """The findings that the scores of a finished training give."""
    task = source.target.task
    return [*against_baseline.find(task, scores, baseline), *overfit.find(task, scores, baseline)]
