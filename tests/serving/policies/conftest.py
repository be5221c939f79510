"""A served version with answers on held-out rows, over a table that rules can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from django.core.files import File

from datasets import storage
from datasets.models import Dataset, DatasetVersion
from departments.projection import WHOLE
from serving.models import Deployment
from serving.predictors import predictor_of
from training.engine.scored import CALIBRATION, TEST, Scored
from training.models import ModelVersion, ScoredRows, TrainingRun

ROWS = 1200
SCHEMA = [{"name": "age", "type": "integer"}, {"name": "income", "type": "number"}, {"name": "city", "type": "text"}]


def table(seed: int = 5) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    cities = rng.choice(["Lyon", "Paris", "Nice", None], ROWS, p=[0.4, 0.3, 0.2, 0.1])
    income = np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(2500, 800, ROWS).round(2))
    frame = pl.DataFrame({"age": rng.integers(18, 80, ROWS), "income": income, "city": cities.tolist()})
    return frame.with_columns(pl.col("income").fill_nan(None))


def scored_by(version: ModelVersion, frame: pl.DataFrame, seed: int = 9) -> Scored:
    """What the version's own predictor answers, and a truth that its probabilities overstate."""
    rng = np.random.default_rng(seed)
    rows = [{name: cell for name, cell in row.items() if cell is not None} for row in frame.to_dicts()]
    answers = predictor_of(version).predict(rows)
    if version.task == "regression":
        p = np.array([[each["value"]] for each in answers])
        truth: Any = p[:, 0] + rng.normal(0.5, 1.0, ROWS)
    else:
        p = np.array([list(each["probabilities"].values()) for each in answers])
        tempered = p**0.5 / (p**0.5).sum(axis=1, keepdims=True)
        truth = np.array([rng.choice(p.shape[1], p=row) for row in tempered])
    part = np.where(np.arange(ROWS) < ROWS // 2, CALIBRATION, TEST)
    return Scored(np.arange(ROWS), part, truth, p)


@pytest.fixture
def with_rows(
    departments: SimpleNamespace, people: SimpleNamespace, tmp_path: Path
) -> Callable[[ModelVersion], ModelVersion]:
    """`with_rows(version)`: the same version, with a run, its table and its scored rows behind it."""

    def add(version: ModelVersion) -> ModelVersion:
        frame, mark = table(), str(version.pk)
        frame.write_parquet(tmp_path / "table.parquet")
        owner = {"department": version.department, "created_by": people.alice}
        dataset = Dataset.objects.create(name=f"applicants {mark}", **owner)
        with (tmp_path / "table.parquet").open("rb") as content:
            storage.place(File(content), f"datasets/{mark}.parquet")
        data = DatasetVersion.objects.create(
            dataset=dataset, number=1, state="ready", storage_key=f"datasets/{mark}.parquet", sha256="0" * 64,
            source_name="a.csv", source_key="sources/x", rows=ROWS, columns=3, schema=SCHEMA, **owner,
        )  # fmt: skip
        run = TrainingRun.objects.create(
            name=mark,
            dataset_version=data,
            target="risk",
            task=version.task,
            state="succeeded",
            projection=WHOLE,
            **owner,
        )
        version.run = run
        version.save()
        scored_by(version, frame).write(tmp_path / "scored.npz")
        stored = storage.keep_path(tmp_path / "scored.npz", "scored")
        ScoredRows.objects.create(run=run, storage_key=stored.key, size_bytes=stored.size)
        return version

    return add


@pytest.fixture
def scored(version: ModelVersion, with_rows: Callable[[ModelVersion], ModelVersion]) -> ModelVersion:
    """The binary version, with its held-out rows."""
    return with_rows(version)


@pytest.fixture
def served(scored: ModelVersion, deployment: Deployment) -> Deployment:
    """credit-scoring, answering with that version."""
    return deployment
