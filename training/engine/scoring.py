"""A written model asked about the rows of its training: metrics, baseline, confusion, and its answers on rows never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine import artifact as artifacts
from training.engine import inputs, metrics, reference
from training.engine.candidates import thinned
from training.engine.checks._answered import Answered

if TYPE_CHECKING:
    import numpy as np

    from training.engine.data import Prepared, Source
    from training.engine.family import Rows
    from training.engine.spec import TrainSpec

SCORED_ROWS = 100_000  # training metrics are of at most so many rows, evenly taken


@dataclass(frozen=True)
class Scores:
    """By part of the split: metrics, the baseline's, and confusion tables (classes × classes, truth down).

    `held` are the rows that the model did not learn from, with its answers: "validation" and "test".
    `answered` is what the checks of a result look at: the test part where there is one.
    """

    metrics: dict[str, dict[str, float]]
    baseline: dict[str, dict[str, float]]
    confusion: dict[str, list[list[int]]]
    held: dict[str, tuple[Rows, np.ndarray]]
    answered: Answered | None


def manifest_of(
    spec: TrainSpec, source: Source, family: str, params: Mapping[str, Any], prepared: Prepared
) -> dict[str, Any]:
    """What a model says of itself, but for its files."""
    target = source.target
    needed = prepared.recipe.sources(prepared.features)
    return {
        "family": family,
        "params": params,
        "task": target.task,
        "target": target.name,
        "target_type": target.type,
        "classes": list(target.classes) or None,
        "inputs": inputs.describe(source.part("train"), source.schema, needed),
        "reference": reference.describe(source.part("train"), source.schema, needed),
        "features": prepared.features,
        "seed": spec.seed,
    }


def score(
    artifact: Path,
    source: Source,
    prepared: Prepared,
    threads: int,
    *,
    most: int = SCORED_ROWS,
    validation: tuple[Rows, np.ndarray] | None = None,
) -> Scores:
    """Score the written model's own predictions, on `most` training rows and all others.

    `validation` are the rows that took turns in being held back, with the answers they were given.
    """
    target = source.target
    model = artifacts.Model(artifact, target.task, threads)
    learned, answered = prepared.rows["train"], None
    found = Scores({}, {}, {}, {}, None)
    for part, whole in prepared.rows.items():
        rows = thinned(whole, most) if part == "train" else whole
        answer = model.predict(rows.X) if len(rows) else None
        if part == "validation" and validation is not None:
            rows, answer = validation
        constant = metrics.constant_answer(learned.y, len(rows), target.task, len(target.classes), learned.w)
        found.metrics[part] = {} if answer is None else metrics.score(rows.y, answer, target.task, rows.w)
        found.baseline[part] = metrics.score(rows.y, constant, target.task, rows.w)
        if answer is None:
            continue
        if target.classes:
            table = metrics.confusion(rows.y, answer.argmax(axis=1), len(target.classes))
            found.confusion[part] = table.tolist()
        if part != "train":
            found.held[part] = (rows, answer)
            answered = _answered(source, part, rows, answer, learned)
    return Scores(found.metrics, found.baseline, found.confusion, found.held, answered)


def _answered(source: Source, part: str, rows: Rows, answer: np.ndarray, learned: Rows) -> Answered:
    """What the checks of a result look at. Rows that the recipe left out, or that took turns, have no columns to show."""
    frame = source.part(part)
    return Answered(
        part,
        source.target.task,
        rows.y,
        answer,
        source.features,
        source.schema,
        frame if frame.height == len(rows) else None,
        spread=float(learned.y.std()) or 1.0,
    )
