"""Checks on a training: each module finds one kind of trouble and says it as data.

A check of the data has `before(source)`; one of the scores `find(task, scores, baseline)`; one of the answers on rows
never seen `find(answered)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.engine.checks import baseline as against_baseline
from training.engine.checks import (
    calibration,
    cardinality,
    constants,
    drifted,
    identifiers,
    imbalance,
    leakage,
    overfit,
    shift,
    slices,
    stability,
    target_name,
    timestamps,
    twins,
)

if TYPE_CHECKING:
    from training.engine.checks._answered import Answered
    from training.engine.data import Source

Scores = dict[str, dict[str, float]]
OF_DATA = (leakage, timestamps, target_name, twins, identifiers, cardinality, constants, imbalance, shift, drifted)
OF_ANSWERS = (calibration, slices, stability)


def before(source: Source) -> list[dict[str, Any]]:
    """The findings that the split table gives before anything is trained on it."""
    return [found for check in OF_DATA for found in check.before(source)]


def after(source: Source, scores: Scores, baseline: Scores, answered: Answered | None = None) -> list[dict[str, Any]]:
    """The findings that a finished training's scores give, and its answers on rows never seen where there are some."""
    task = source.target.task
    found = [*against_baseline.find(task, scores, baseline), *overfit.find(task, scores, baseline)]
    return [*found, *(each for check in OF_ANSWERS for each in check.find(answered))] if answered else found
