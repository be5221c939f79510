"""Each check of a result finds what it is for, and leaves sound models alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from datasets.schema import Schema
from training.engine.checks import OF_ANSWERS
from training.engine.checks._answered import Answered

ROWS = 2000
SCHEMA = Schema.of([("age", "integer"), ("city", "text"), ("income", "number")])


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    random = np.random.default_rng(0)
    age, city = random.integers(18, 80, ROWS), random.choice(["Lyon", "Paris", "Nice"], ROWS)
    income = pl.Series(random.normal(3000, 500, ROWS)).set(pl.Series(random.random(ROWS) < 0.1), None)
    return pl.DataFrame({"age": age, "city": city, "income": income})


def found(answered: Answered) -> dict[str, dict[str, Any]]:
    return {each["check"]: each for check in OF_ANSWERS for each in check.find(answered)}


def binary(said: np.ndarray, true: np.ndarray, frame: pl.DataFrame | None = None, **more: Any) -> Answered:
    chance = random_truth(true)
    answer = np.stack([1.0 - said, said], axis=1)
    return Answered("test", "binary", chance, answer, list(SCHEMA.names), SCHEMA, frame, **more)


def random_truth(chance: np.ndarray) -> np.ndarray:
    return (np.random.default_rng(1).random(len(chance)) < chance).astype(np.int64)


def chances() -> np.ndarray:
    return np.random.default_rng(2).beta(2.0, 2.0, ROWS)


def test_a_sound_classifier_has_no_finding(frame: pl.DataFrame) -> None:
    said = chances()
    noise = np.random.default_rng(3).normal(0, 0.02, (4, ROWS))
    repeats = np.stack([1.0 - (said + noise), said + noise], axis=2)
    assert found(binary(said, said, frame, repeats=repeats)) == {}


def test_a_sound_regression_has_no_finding(frame: pl.DataFrame) -> None:
    random = np.random.default_rng(4)
    y = frame["age"].to_numpy() * 2.0
    answered = Answered(
        "test", "regression", y, y + random.normal(0, 5, ROWS), list(SCHEMA.names), SCHEMA, frame,
        repeats=y + random.normal(0, 1, (3, ROWS)), spread=float(y.std()),
    )  # fmt: skip
    assert found(answered) == {}


def test_probabilities_that_exaggerate() -> None:
    true = chances()
    logit = np.log(true / (1.0 - true))
    finding = found(binary(1.0 / (1.0 + np.exp(-3.0 * logit)), true))["calibration"]
    assert 0.1 < finding["value"] < 0.3 and finding["threshold"] == 0.05


def test_a_chosen_class_that_is_too_sure_of_itself() -> None:
    random = np.random.default_rng(5)
    y = random.integers(0, 3, ROWS)
    right = random.random(ROWS) < 0.6
    chosen = np.where(right, y, (y + 1) % 3)
    answer = np.full((ROWS, 3), 0.05) + 0.85 * np.eye(3)[chosen]
    finding = found(Answered("test", "multiclass", y, answer, [], SCHEMA))["calibration"]
    assert finding["value"] == pytest.approx(0.3, abs=0.05)


def test_a_city_that_it_does_not_know(frame: pl.DataFrame) -> None:
    random = np.random.default_rng(6)
    y = random.normal(0, 10, ROWS)
    error = random.normal(0, np.where(frame["city"] == "Nice", 4.0, 1.0))
    names = list(SCHEMA.names)
    finding = found(Answered("test", "regression", y, y + error, names, SCHEMA, frame))["worse_slice"]
    assert finding["columns"] == ["city"] and "“city” is Nice" in finding["message"]
    assert finding["value"] == pytest.approx(16.0, rel=0.3)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (pl.col("income").is_null(), "“income” is missing"),
        (pl.col("age") > pl.col("age").quantile(0.75, "nearest"), "“age” is above"),
    ],
)
def test_gaps_and_quarters_are_slices(frame: pl.DataFrame, where: pl.Expr, words: str) -> None:
    inside = frame.select(where.fill_null(value=False)).to_series().to_numpy()
    said = np.where(np.random.default_rng(7).random(ROWS) < 0.5, 0.9, 0.1)
    answered = binary(np.where(inside, 1.0 - said, said), said, frame)
    assert words in found(answered)["worse_slice"]["message"]


def test_seeds_that_disagree() -> None:
    said = chances()
    other = np.random.default_rng(8).beta(2.0, 2.0, (3, ROWS))
    finding = found(binary(said, said, repeats=np.stack([1.0 - other, other], axis=2)))["unstable"]
    assert finding["value"] == pytest.approx(0.2, abs=0.05)


def test_a_training_is_judged_by_its_answers_on_test_rows(tmp_path: Any) -> None:
    """A net that is told to answer with a slope far too steep: the run's own findings say that it exaggerates."""
    from training.engine.control import Silent
    from training.engine.spec import TrainSpec
    from training.engine.train import train

    random = np.random.default_rng(9)
    x = random.normal(size=(1500, 30))
    y = random.random(1500) < 1.0 / (1.0 + np.exp(-x[:, 0]))
    table = pl.DataFrame({f"x{i}": x[:, i] for i in range(30)}).with_columns(y=pl.Series(y))
    table.write_parquet(tmp_path / "t.parquet")
    schema = Schema.of([*((f"x{i}", "number") for i in range(30)), ("y", "boolean")])
    params = {"hidden": [128, 128], "epochs": 60, "patience": None, "keep_best": False, "dropout": 0.0}
    spec = TrainSpec(tmp_path / "t.parquet", schema, "y", [{"family": "mlp", "params": params}])
    report = train(spec, workdir=tmp_path / "w", artifact=tmp_path / "a", monitor=Silent())
    assert "calibration" in {found["check"] for found in report.findings}
