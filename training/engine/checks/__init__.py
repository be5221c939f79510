"""Checks on a training: each module finds one kind of trouble and says it as data.

A check of the data has `before(source)`, one of the result `find(task, scores, baseline)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.engine.checks import baseline as against_baseline
from training.engine.checks import (
    cardinality,
    constants,
    drifted,
    identifiers,
    imbalance,
    leakage,
    overfit,
    shift,
    target_name,
    timestamps,
    twins,
)

if TYPE_CHECKING:
    from training.engine.data import Source

Scores = dict[str, dict[str, float]]
OF_DATA = (leakage, timestamps, target_name, twins, identifiers, cardinality, constants, imbalance, shift, drifted)


def before(source: Source) -> list[dict[str, Any]]:
    """The findings that the split table gives before anything is trained on it."""
    return [found for check in OF_DATA for found in check.before(source)]


def after(source: Source, scores: Scores, baseline: Scores) -> list[dict[str, Any]]:
    """The findings that the scores of a finished training give."""
    task = source.target.task
    return [*against_baseline.find(task, scores, baseline), *overfit.find(task, scores, baseline)]
