"""A training from a file to an artifact, and every way it can be refused."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from datasets.schema import Schema
from tests.training.engine.tables import Killed, Silent, Teller, Watcher, content, credit, run, spec_for
from training.engine.artifact import Model
from training.engine.errors import Diverged, TrainError
from training.engine.family import FAMILIES
from training.engine.spec import TrainSpec

EVERY = [
    {"family": "linear", "params": {"epochs": 200}},
    {"family": "trees", "params": {"rounds": 40, "min_rows_leaf": 5}},
    {"family": "mlp", "params": {"epochs": 20, "hidden": [16]}},
]
LINEAR = [{"family": "linear", "params": {}}]


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_the_best_candidate_is_kept(task: str, tmp_path: Path) -> None:
    watcher = Watcher()
    report = run(spec_for(tmp_path, task, EVERY), tmp_path, watcher)
    scores = [row["validation"] for row in report.leaderboard]
    assert report.state == "succeeded"
    assert scores == sorted(scores) and len(scores) == 3
    assert report.family == report.leaderboard[0]["family"]
    assert report.metrics["validation"][report.score["metric"]] == pytest.approx(scores[0])
    assert sum(report.rows.values()) == 240 and report.rows["test"] == pytest.approx(48, abs=1)
    assert watcher.fractions[-1] == 1.0
    assert {name.split("/")[0] for _, values in watcher.points for name in values} == {"linear", "trees", "mlp"}
    json.dumps(report.to_json(), allow_nan=False)


def test_manifest_tells_serving_everything(tmp_path: Path) -> None:
    run(spec_for(tmp_path, "binary", LINEAR), tmp_path)
    files = content(tmp_path)
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["files"] == {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
    assert (manifest["format"], manifest["task"], manifest["target"]) == (1, "binary", "default")
    assert manifest["classes"] == [False, True]
    assert manifest["model"] == {"kind": "linear", "file": "weights.safetensors"}
    inputs = {entry["name"]: entry for entry in manifest["inputs"]}
    assert list(inputs) == ["age", "income", "city", "owner"]
    assert inputs["city"]["categories"] == ["Lyon", "Oslo", "Pisa"] and inputs["city"]["required"]
    assert not inputs["income"]["required"]
    assert inputs["age"]["minimum"] < inputs["age"]["example"] < inputs["age"]["maximum"]


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("candidate", EVERY, ids=lambda one: one["family"])
def test_rows_are_answered_as_in_training(task: str, candidate: dict[str, Any], tmp_path: Path) -> None:
    """Raw rows through recipe.json's row function and the model file give what the whole table gave."""
    from datasets.recipe import FittedRecipe

    run(spec_for(tmp_path, task, [candidate]), tmp_path)
    folder = tmp_path / "artifact"
    manifest = json.loads((folder / "manifest.json").read_text())
    recipe = FittedRecipe.from_json((folder / "recipe.json").read_text())
    frame = credit()[0].head(50)
    table = recipe.transform(frame, training=False).collect().select(pl.col(manifest["features"]).cast(pl.Float64))
    prepare, names = recipe.row(), [entry["name"] for entry in manifest["inputs"]]
    rows = [prepare({name: row[name] for name in names}) for row in frame.to_dicts()]
    singly = np.array([[np.nan if row[f] is None else row[f] for f in manifest["features"]] for row in rows], float)
    model = Model(folder, task)
    np.testing.assert_allclose(model.predict(singly), model.predict(table.to_numpy()), rtol=1e-6, atol=1e-6)


def test_recipe_never_sees_a_held_out_row(tmp_path: Path) -> None:
    """Change every validation and test row: not one byte of what the recipe learned may change."""
    from training.engine import data, split

    frame, schema = credit()
    recipes = []
    for name in ("asis", "changed"):
        frame.write_parquet(tmp_path / f"{name}.parquet")
        source = data.read(
            tmp_path / f"{name}.parquet", schema, target="default", features=["age", "income", "city", "owner"],
            steps=[{"step": "outliers", "columns": ["income"], "params": {}}, {"step": "missing", "columns": ["income"]}],
            task="binary", shares=split.DEFAULT, seed=1,
        )  # fmt: skip
        recipes.append(source.prepare(FAMILIES["linear"].needs).recipe.dumps())
        held = np.setdiff1d(np.arange(frame.height), source.parts["train"])
        wild = pl.Series(np.isin(np.arange(frame.height), held))
        frame = frame.with_columns(
            age=pl.when(wild).then(pl.col("age") * 1e6).otherwise(pl.col("age")),
            income=pl.when(wild).then(None).otherwise(pl.col("income")),
            city=pl.when(wild).then(pl.lit("Ulm")).otherwise(pl.col("city")),
        )
    assert recipes[0] == recipes[1]


def test_kill_between_candidates_repeats_none(tmp_path: Path) -> None:
    spec = spec_for(tmp_path, "binary", EVERY)
    whole = run(spec, tmp_path / "whole")

    class Late(Silent):
        def signal(self) -> Any:
            if (tmp_path / "broken" / "work" / "candidate-1" / "result.json").exists():
                raise Killed
            return "go"

    with pytest.raises(Killed):
        run(spec, tmp_path / "broken", Late())
    done = [path.parent.name for path in (tmp_path / "broken" / "work").glob("*/result.json")]
    watcher = Watcher()
    again = run(spec, tmp_path / "broken", watcher)
    assert len(done) == 2
    assert sum(line.startswith("Training ") for line in watcher.lines) == 1
    assert content(tmp_path / "broken") == content(tmp_path / "whole")
    assert again.metrics == whole.metrics


def test_another_training_does_not_take_over_the_checkpoints(tmp_path: Path) -> None:
    run(spec_for(tmp_path, "binary", LINEAR, seed=1), tmp_path)
    run(spec_for(tmp_path, "binary", LINEAR, seed=2), tmp_path)
    run(spec_for(tmp_path, "binary", LINEAR, seed=2), tmp_path / "fresh")
    assert content(tmp_path) == content(tmp_path / "fresh")


def test_stop_keeps_the_best_so_far(tmp_path: Path) -> None:
    long = [{"family": "mlp", "params": {"epochs": 1000, "patience": None}}, *LINEAR]
    report = run(spec_for(tmp_path, "binary", long), tmp_path, Teller("stop", after=60))
    assert report.state == "stopped"
    assert [row["family"] for row in report.leaderboard] == ["mlp"]
    assert report.metrics["test"]["accuracy"] > report.baseline["test"]["accuracy"]


def test_time_limit_is_kept(tmp_path: Path) -> None:
    long = [{"family": name, "params": {"epochs": 100_000, "patience": None}} for name in ("mlp", "linear")]
    long += [{"family": "trees", "params": {"rounds": 20_000, "patience": None}}]
    run(spec_for(tmp_path, "binary", LINEAR), tmp_path / "warm")
    started = time.monotonic()
    report = run(spec_for(tmp_path, "binary", long, time_limit=3.0), tmp_path)
    # Without the limit it would take hours; how closely it is kept, bench/training.py says.
    assert 2.0 < time.monotonic() - started < 6
    assert [row["ended_by"] for row in report.leaderboard] == ["time limit"] * 3
    assert report.state == "succeeded"


def test_first_metrics_come_at_once(tmp_path: Path) -> None:
    class Clock(Silent):
        began = first = 0.0

        def log(self, message: str, level: str = "info") -> None:
            self.began = time.monotonic() if message.startswith("Training") else self.began

        def metrics(self, step: int, values: dict[str, float]) -> None:
            self.first = self.first or time.monotonic()

    run(spec_for(tmp_path, "binary", LINEAR), tmp_path / "warm")
    for candidate in EVERY:
        clock = Clock()
        run(spec_for(tmp_path, "binary", [candidate], rows=5000), tmp_path, clock)
        assert clock.first - clock.began < 0.5, candidate


def test_one_bad_candidate_does_not_spoil_the_rest(tmp_path: Path) -> None:
    wild = {"family": "linear", "params": {"optimiser": "sgd", "learning_rate": 10.0, "momentum": 0.0}}
    report = run(spec_for(tmp_path, "regression", [wild, *LINEAR]), tmp_path)
    assert "diverged" in report.leaderboard[1]["error"]
    assert report.leaderboard[0]["error"] == ""


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_divergence_names_step_loss_rate_and_a_safe_rate(task: str, tmp_path: Path) -> None:
    steep = {"family": "linear", "params": {"optimiser": "sgd", "learning_rate": 10.0, "weight_decay": 1.0}}
    with pytest.raises(Diverged) as caught:
        run(spec_for(tmp_path, task, [steep]), tmp_path)
    error = caught.value
    assert error.code == "diverged" and error.field == "params.learning_rate"
    assert error.step > 0 and error.learning_rate == 10.0 and 0.0 < (error.safe_rate or 0.0) < 1.0
    safe = {"family": "linear", "params": {**steep["params"], "learning_rate": error.safe_rate}}
    assert run(spec_for(tmp_path, task, [safe]), tmp_path).state == "succeeded"


def test_divergence_of_a_network_is_an_error_not_nan(tmp_path: Path) -> None:
    steep = {"family": "mlp", "params": {"optimiser": "sgd", "learning_rate": 10.0, "schedule": "constant"}}
    with pytest.raises(Diverged, match=r"diverged: .* at step \d+ with learning rate 10"):
        run(spec_for(tmp_path, "regression", [steep]), tmp_path)


def trained_on(tmp_path: Path, frame: pl.DataFrame, kinds: dict[str, str], **given: Any) -> Any:
    frame.write_parquet(tmp_path / "table.parquet")
    given = {"target": "y", "candidates": LINEAR, **given}
    return run(TrainSpec(data=tmp_path / "table.parquet", schema=Schema.of(kinds.items()), **given), tmp_path)


def numbers(rows: int = 40) -> dict[str, Any]:
    return {"x": np.random.default_rng(0).normal(size=rows), "z": np.random.default_rng(1).normal(size=rows)}


@pytest.mark.parametrize(
    ("y", "kind", "task", "code"),
    [
        ([None] * 40, "number", None, "target_missing"),
        ([1.5] * 40, "number", None, "target_constant"),
        (["good"] * 40, "text", None, "one_class"),
        ([1.0] * 4 + [2.5] * 4 + [None] * 32, "number", None, "too_few_rows"),
        ([f"id-{i}" for i in range(40)], "text", None, "too_many_classes"),
        (["a", "b"] * 20, "text", "regression", "target_not_numeric"),
        ([float("inf")] + [1.0, 2.5, 3.5] * 13, "number", "regression", "target_not_finite"),
        (["a", "b", "c", "a"] * 10, "text", "binary", "not_binary"),
        (["a", "b"] * 20, "text", "ranking", "unknown_task"),
    ],
)
def test_target_that_cannot_be_learned(tmp_path: Path, y: list[Any], kind: str, task: str | None, code: str) -> None:
    frame = pl.DataFrame({**numbers(), "y": pl.Series(y, dtype=pl.String if kind == "text" else pl.Float64)})
    with pytest.raises(TrainError) as caught:
        trained_on(tmp_path, frame, {"x": "number", "z": "number", "y": kind}, task=task)
    assert (caught.value.code, caught.value.field) == (code, "target")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"target": "nothing"}, "unknown_target", "target"),
        ({"features": ["x", "nothing"]}, "unknown_feature", "features"),
        ({"features": ["x", "y"]}, "target_in_features", "features"),
        ({"features": ["same"]}, "no_features", "features"),
        ({"features": ["empty"]}, "no_features", "features"),
        ({"candidates": []}, "no_candidates", "candidates"),
        ({"candidates": [{"family": "oracle"}]}, "unknown_family", "candidates[0].family"),
        ({"candidates": [{"family": "mlp", "params": {"loss": "cross_entropy"}}]}, "loss_not_for_task", "params.loss"),
        ({"split": {"test": 0.9}}, "bad_split", "split.test"),
        ({"split": {"train": 0.5}}, "bad_split", "split.train"),
        ({"steps": [{"step": "levitate"}]}, "bad_recipe", "steps[0].step"),
        ({"steps": [{"step": "normalise", "columns": ["y"]}]}, "bad_recipe", "steps[0].columns[0]"),
    ],
)
def test_request_that_cannot_be_met(tmp_path: Path, given: dict[str, Any], code: str, field: str) -> None:
    table = {**numbers(), "same": [1.0] * 40, "empty": pl.Series([None] * 40, dtype=pl.Float64)}
    frame = pl.DataFrame({**table, "y": np.arange(40) / 7})
    kinds = dict.fromkeys(["x", "z", "same", "empty", "y"], "number")
    with pytest.raises(TrainError) as caught:
        trained_on(tmp_path, frame, kinds, **given)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_empty_and_constant_columns_are_left_out_with_a_reason(tmp_path: Path) -> None:
    table = {**numbers(), "same": [1.0] * 40, "empty": pl.Series([None] * 40, dtype=pl.Float64)}
    frame = pl.DataFrame({**table, "y": [*(np.arange(39) / 7), None]})
    report = trained_on(tmp_path, frame, dict.fromkeys(["x", "z", "same", "empty", "y"], "number"))
    assert report.features == ["x", "z"]
    reasons = {found["check"]: found["columns"] for found in report.findings}
    assert reasons["empty_column"] == ["empty"]
    assert reasons["constant_column"] == ["same"]
    assert reasons["missing_target"] == ["y"]


def test_noise_is_reported_as_no_better_than_a_constant(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pl.DataFrame({**{f"x{i}": random.normal(size=60) for i in range(20)}, "y": random.normal(size=60)})
    wild = [{"family": "linear", "params": {"patience": None, "keep_best": False, "weight_decay": 0.0}}]
    report = trained_on(tmp_path, frame, dict.fromkeys(frame.columns, "number"), candidates=wild)
    (found,) = [one for one in report.findings if one["check"] == "worse_than_baseline"]
    assert found["value"] >= found["threshold"] and found["test"] == "rmse" and found["fix"]


@pytest.mark.parametrize(
    ("values", "kind", "task"),
    [
        ([0, 1], "integer", "binary"),
        ([1, 2, 3], "integer", "multiclass"),
        (list(range(40)), "integer", "regression"),
        ([True, False], "boolean", "binary"),
        (["a", "b", "c"], "text", "multiclass"),
        ([0.5, 1.5, 2.5], "number", "regression"),
    ],
)
def test_task_is_inferred(tmp_path: Path, values: list[Any], kind: str, task: str) -> None:
    frame = pl.DataFrame({**numbers(), "y": (values * 40)[:40]})
    assert trained_on(tmp_path, frame, {"x": "number", "z": "number", "y": kind}).task == task


def test_odd_but_fair_tables_are_trained(tmp_path: Path) -> None:
    """A class of one row, a column of dates, infinite and missing numbers, text with hundreds of values."""
    import datetime as dt

    frame = pl.DataFrame(
        {
            **numbers(60),
            "when": [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(60)],
            "name": [f"person {i}" for i in range(60)],
            "gaps": [None if i % 3 else float(i) for i in range(60)],
            "y": ["a"] * 30 + ["b"] * 29 + ["rare"],
        }
    )
    kinds = {"x": "number", "z": "number", "when": "date", "name": "text", "gaps": "number", "y": "text"}
    for index, candidate in enumerate(EVERY):
        folder = tmp_path / str(index)
        folder.mkdir()
        assert trained_on(folder, frame, kinds, candidates=[candidate]).classes == ["a", "b", "rare"]
