"""Scored rows: they name the table's rows whatever the recipe drops and however it is split, and hold the model's answers."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from datasets.recipe import FittedRecipe
from datasets.schema import Schema
from tests.training.engine.tables import credit, run
from training.engine import metrics, scored
from training.engine.artifact import Model
from training.engine.scored import CALIBRATION, TEST, Scored
from training.engine.spec import TrainSpec

LINEAR = [{"family": "linear", "params": {"epochs": 60}}]
MEMBERS = [
    {"family": "linear", "params": {}},
    {"family": "trees", "params": {"rounds": 20, "min_rows_leaf": 5}},
]
REPEATED = {"step": "duplicates", "columns": ["age", "income"], "params": {}}
OLDER = {"step": "filter", "columns": [], "params": {"condition": "age >= 30"}}
BALANCED = {"step": "oversample", "columns": ["age"], "params": {"method": "copy"}}
KINDS = {
    "plain": {},
    "grouped": {"split": {"test": 0.25, "validation": 0.2, "kind": "grouped", "by": "branch"}},
    "timed": {"split": {"test": 0.25, "validation": 0.2, "kind": "time", "by": "year"}},
    "repeats removed": {"steps": [REPEATED]},
    "rows filtered": {"steps": [REPEATED, OLDER]},
}


def table(task: str, rows: int = 400) -> tuple[pl.DataFrame, Schema]:
    """Applicants of branches and years; some rows stand twice, some have no target."""
    frame, schema = credit(rows)
    random = np.random.default_rng(3)
    more = {"branch": random.integers(0, 25, rows), "year": random.permutation(rows)}
    frame = frame.with_columns(**{name: pl.Series(values) for name, values in more.items()})
    name = {"regression": "price", "binary": "default", "multiclass": "grade"}[task]
    unknown = pl.Series(random.random(rows) < 0.1)
    frame = frame.with_columns(pl.when(unknown).then(None).otherwise(pl.col(name)).alias(name))
    frame = pl.concat([frame[:60], frame[20:80], frame[60:]])
    return frame, Schema.of([(c.name, c.type) for c in schema] + [("branch", "integer"), ("year", "integer")])


def trained(folder: Path, task: str, **given: Any) -> tuple[pl.DataFrame, Any, Scored]:
    frame, schema = table(task)
    frame.write_parquet(folder / "table.parquet")
    target = {"regression": "price", "binary": "default", "multiclass": "grade"}[task]
    given = {"candidates": LINEAR, "features": ["age", "income", "city", "owner"], **given}
    spec = TrainSpec(data=folder / "table.parquet", schema=schema, target=target, task=task, **given)
    report = run(spec, folder)
    with (folder / "work" / scored.FILE).open("rb") as stream:
        return frame, report, Scored.read(stream)


def truth_of(frame: pl.DataFrame, report: Any, rows: np.ndarray) -> np.ndarray:
    target = {"regression": "price", "binary": "default", "multiclass": "grade"}[report.task]
    values = frame[target][rows].to_list()
    return np.array(values if report.task == "regression" else [report.classes.index(value) for value in values])


def answers(folder: Path, frame: pl.DataFrame, task: str) -> np.ndarray:
    """What the written model answers to rows of the table."""
    manifest = json.loads((folder / "artifact" / "manifest.json").read_text())
    recipe = FittedRecipe.from_json((folder / "artifact" / "recipe.json").read_text())
    names = [column.name for column in recipe.schema.columns]
    ready = recipe.transform(frame.select(names), training=False).collect()
    X = ready.select(pl.col(manifest["features"]).cast(pl.Float64)).to_numpy()
    return Model(folder / "artifact", task).predict(X).reshape(len(frame), -1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preset", ["", "fast"])
def test_rows_are_the_tables(kind: str, preset: str, tmp_path: Path) -> None:
    """A target that no two rows share tells which row it is."""
    given = {**KINDS[kind], **({"candidates": MEMBERS, "preset": preset, "time_limit": 2.0} if preset else {})}
    frame, report, found = trained(tmp_path, "regression", **given)
    np.testing.assert_array_equal(found.truth, truth_of(frame, report, found.row))
    test, calibration = found.of(TEST), found.of(CALIBRATION)
    assert len(test) == report.rows["test"] > 20 and len(calibration) > 20
    assert not set(test.row) & set(calibration.row) and len(set(found.row)) == len(found)
    np.testing.assert_allclose(test.prediction, answers(tmp_path, frame[test.row], "regression"), rtol=1e-9)
    own = answers(tmp_path, frame[calibration.row], "regression")
    if preset:
        # Out of fold: no answer is by a model that learned from the row, so they are not the ensemble's.
        assert np.abs(calibration.prediction - own).max() > 1e-3 * np.std(own)
        assert np.corrcoef(calibration.prediction[:, 0], own[:, 0])[0, 1] > 0.9
    else:
        np.testing.assert_allclose(calibration.prediction, own, rtol=1e-9)


@pytest.mark.parametrize("preset", ["", "fast"])
@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_the_metrics_are_those_of_the_rows(task: str, preset: str, tmp_path: Path) -> None:
    """Weights and calibration are applied as in the model's own figures, and classes are coded as in its manifest."""
    given = {"candidates": MEMBERS, "preset": preset, "time_limit": 3.0} if preset else {}
    frame, report, found = trained(tmp_path, task, **given)
    np.testing.assert_array_equal(found.truth, truth_of(frame, report, found.row))
    for part, name in ((TEST, "test"), (CALIBRATION, "validation")):
        rows = found.of(part)
        answer = rows.prediction[:, 0] if task == "regression" else rows.prediction
        told = metrics.score(rows.truth, answer, task, rows.weight)
        assert told == pytest.approx(report.metrics[name], rel=1e-9)


def test_rows_that_the_recipe_adds_are_left_out(tmp_path: Path) -> None:
    """Copies of the rarer class stand in for no row of the table twice."""
    given = {"candidates": MEMBERS, "preset": "fast", "time_limit": 3.0, "steps": [OLDER, BALANCED]}
    frame, report, found = trained(tmp_path, "binary", **given)
    assert report.rows["train"] > len(found.of(CALIBRATION))
    assert len(set(found.row)) == len(found)
    assert frame["age"][found.of(CALIBRATION).row].min() >= 30
    np.testing.assert_array_equal(found.truth, truth_of(frame, report, found.row))


def test_weights_come_along(tmp_path: Path) -> None:
    from training.engine.demands import Demands

    frame, _, found = trained(tmp_path, "binary", demands=Demands(weight="age"), features=["income", "city"])
    assert found.weight is not None
    ratio = found.weight / frame["age"][found.row].to_numpy()
    np.testing.assert_allclose(ratio, ratio[0])


def test_equal_trainings_leave_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        trained(tmp_path / name, "binary")
    assert (tmp_path / "one/work" / scored.FILE).read_bytes() == (tmp_path / "two/work" / scored.FILE).read_bytes()


def test_large_parts_are_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scored, "MOST_NUMBERS", 300)
    places = scored._evenly(np.arange(1000), np.zeros((1000, 3)))
    assert len(places) == 100 and places[0] == 0 and places[-1] == 999 and np.diff(places).max() <= 11


def test_nothing_is_unpickled() -> None:
    """An array of objects, and a file that is a pickle, are refused."""
    made = io.BytesIO()
    np.savez(made, row=np.array([print], dtype=object), part=np.zeros(1, np.uint8))
    with pytest.raises(ValueError, match="allow_pickle"):
        Scored.read(io.BytesIO(made.getvalue()))
    with pytest.raises(ValueError, match="pickle"):
        Scored.read(io.BytesIO(pickle.dumps([1])))


def test_unequal_lengths_are_refused(tmp_path: Path) -> None:
    part = np.array([TEST, TEST])
    Scored(np.arange(2), part, np.zeros(2), np.zeros((3, 1))).write(tmp_path / "bad.npz")
    with (tmp_path / "bad.npz").open("rb") as stream, pytest.raises(ValueError, match="unequal"):
        Scored.read(stream)
    assert zipfile.ZipFile(tmp_path / "bad.npz").namelist() == ["row.npy", "part.npy", "truth.npy", "prediction.npy"]
