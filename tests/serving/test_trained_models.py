"""What the engine trains is what serving answers: every family and task, with gaps, dates and truth values."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from datasets.recipe import FittedRecipe
from datasets.schema import Schema
from serving.runtime.predictor import Predictor
from tests.serving.runtime.test_predictor import EXPORT, ROOT
from training import artifacts
from training.engine.artifact import Model
from training.engine.control import Silent
from training.engine.family import FAMILIES
from training.engine.spec import TrainSpec
from training.engine.train import train

ROWS = 240
TYPES = {"age": "integer", "income": "number", "city": "text", "member": "boolean", "since": "date"}
TARGETS = {"regression": ("amount", "number"), "binary": ("good", "text"), "multiclass": ("grade", "integer")}
QUICK = {
    "linear": {"epochs": 30},
    "mlp": {"epochs": 3, "hidden": [8]},
    "tabm": {"steps": 40, "members": 2},
    "trees": {},
}


def table() -> pl.DataFrame:
    random = np.random.default_rng(5)
    age, income = random.integers(20, 70, ROWS), random.gamma(2, 1500, ROWS)
    score = income / 3000 + age / 50 + random.normal(size=ROWS) * 0.3
    return pl.DataFrame({
        "age": age,
        "income": [None if i % 9 == 0 else float(v) for i, v in enumerate(income)],
        "city": [None if i % 17 == 0 else ["Lyon", "Paris", "Nice"][i % 3] for i in range(ROWS)],
        "member": [None if i % 13 == 0 else bool(i % 2) for i in range(ROWS)],
        "since": [date(2015, 1, 1) + timedelta(days=int(d)) for d in random.integers(0, 3000, ROWS)],
        "amount": score * 100,
        "good": np.where(score > np.median(score), "yes", "no"),
        "grade": np.digitize(score, np.quantile(score, [0.33, 0.66])) + 1,
    })  # fmt: skip


def trained(folder: Path, family: str, task: str) -> Path:
    target, type_ = TARGETS[task]
    table().select(*TYPES, target).write_parquet(folder / "rows.parquet")
    spec = TrainSpec(
        data=folder / "rows.parquet",
        schema=Schema.of([*TYPES.items(), (target, type_)]),
        target=target,
        candidates=[{"family": family, "params": QUICK[family]}],
        task=task,
    )
    train(spec, workdir=folder / "train", artifact=folder / "artifact", monitor=Silent())
    return folder / "artifact"


def instances() -> list[dict[str, Any]]:
    rows = [{**row, "since": row["since"].isoformat()} for row in table().select(*TYPES).to_dicts()]
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def expected(folder: Path, task: str) -> np.ndarray:
    """The engine's own way: the whole table through the recipe in bulk, then the graph."""
    manifest = json.loads((folder / "manifest.json").read_text())
    recipe = FittedRecipe.from_json((folder / "recipe.json").read_text())
    prepared = recipe.transform(table().select(*TYPES), training=False).collect()
    return Model(folder, task).predict(prepared.select(manifest["features"]).cast(pl.Float64).to_numpy())


def test_every_family_is_tried() -> None:
    assert set(QUICK) == set(FAMILIES.names())


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("family", QUICK)
def test_one_row_at_a_time_equals_the_whole_table(tmp_path: Path, family: str, task: str) -> None:
    folder = trained(tmp_path, family, task)
    answers = Predictor.load(folder).predict(instances())
    got = [a["value"] if task == "regression" else list(a["probabilities"].values()) for a in answers]
    assert np.allclose(got, expected(folder, task), rtol=1e-9, atol=1e-9)


def test_the_manifests_own_example_is_answered(tmp_path: Path) -> None:
    predictor = Predictor.load(trained(tmp_path, "linear", "multiclass"))
    [answer] = predictor.predict([{column.name: column.example for column in predictor.inputs}])
    assert answer["label"] in predictor.classes
    assert set(answer["probabilities"]) == {"1", "2", "3"}


@pytest.mark.parametrize("family", QUICK)
def test_the_bundle_predicts_equally_without_the_platform(tmp_path: Path, family: str) -> None:
    """Only numpy and ONNX Runtime may be imported beside the runtime's own files."""
    stored = artifacts.store(trained(tmp_path, family, "binary"))
    bundle: io.BytesIO = artifacts.bundle(stored.storage_key, stored.manifest)
    zipfile.ZipFile(bundle).extractall(tmp_path / "elsewhere")
    rows = instances()[:50]
    command = [sys.executable, "-c", EXPORT, str(tmp_path / "elsewhere"), json.dumps(rows)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    ours = Predictor.load(tmp_path / "artifact").predict(rows)
    assert json.loads(done.stdout) == ours
