"""Scored rows made by hand for versions that were never trained."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from datasets import storage
from datasets.models import Dataset, DatasetVersion
from training.models import ModelVersion, ScoredRows, TrainingRun
from training.scored import CALIBRATION, TEST, Scored


def keep_scored(version: ModelVersion, *, truth: np.ndarray, prediction: np.ndarray) -> Scored:
    """Give the version a run with these rows: the first half calibration, the second half test."""
    rows = len(truth)
    part = np.where(np.arange(rows) < rows // 2, CALIBRATION, TEST)
    scored = Scored(np.arange(rows), part, truth, prediction)
    dataset = Dataset.objects.create(department=version.department, name=f"Rows of {version.pk}")
    data = DatasetVersion.objects.create(
        dataset=dataset, department=version.department, number=1, state="ready", rows=rows
    )
    version.run = TrainingRun.objects.create(
        department=version.department, name="run", dataset_version=data, target=version.target, task=version.task,
        state="succeeded",
    )  # fmt: skip
    version.save(update_fields=["run"])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scored.npz"
        scored.write(path)
        kept = storage.keep_path(path, "scored")
    ScoredRows.objects.create(run=version.run, storage_key=kept.key, size_bytes=kept.size)
    return scored
