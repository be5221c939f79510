"""What is asked of a training besides its target: weights, balance, splits by group and time, monotone answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from datasets.schema import Schema
from training.engine import data, demands, split
from training.engine.demands import Demands
from training.engine.errors import TrainError
from training.engine.family import Needs

KINDS = {"x": "number", "z": "number", "who": "text", "when": "date", "w": "number", "y": "text"}


def table(rows: int = 200) -> pl.DataFrame:
    import datetime as dt

    random = np.random.default_rng(4)
    return pl.DataFrame(
        {
            "x": random.normal(size=rows),
            "z": random.normal(size=rows),
            "who": [f"c{i}" for i in random.integers(0, 30, rows)],
            "when": [dt.date(2024, 1, 1) + dt.timedelta(days=int(i)) for i in random.integers(0, 90, rows)],
            "w": random.uniform(0.5, 2.0, rows),
            "y": ["rare" if r < 0.2 else "usual" for r in random.random(rows)],
        }
    )


def source(folder: Path, frame: pl.DataFrame | None = None, **given: Any) -> data.Source:
    path = folder / "table.parquet"
    (table() if frame is None else frame).write_parquet(path)
    shares = {**split.DEFAULT, **given.pop("split", {})}
    split.check(shares)
    asked = {"features": [], "steps": [], "task": None, "seed": 0, **given}
    return data.read(path, Schema.of(KINDS.items()), target="y", shares=shares, **asked)


def test_a_group_is_on_one_side_only(tmp_path: Path) -> None:
    made = source(tmp_path, split={"kind": "grouped", "by": "who"})
    groups = [set(made.part(part)["who"]) for part in split.PARTS]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert len(made.parts["test"]) == pytest.approx(40, abs=8)
    assert "who" not in made.features


def test_the_test_comes_last_in_time(tmp_path: Path) -> None:
    made = source(tmp_path, split={"kind": "time", "by": "when"})
    train, validation, test = (made.part(part)["when"] for part in split.PARTS)
    assert train.max() < validation.min() and validation.max() < test.min()
    assert len(test) == pytest.approx(40, abs=5)


def test_weights_have_mean_one_and_balance_makes_classes_even(tmp_path: Path) -> None:
    rows = source(tmp_path, asked=Demands("w", "balanced")).prepare(Needs()).rows["train"]
    assert rows.w is not None and rows.w.mean() == pytest.approx(1.0)
    assert np.bincount(rows.y, weights=rows.w) == pytest.approx([len(rows) / 2] * 2)
    assert source(tmp_path).prepare(Needs()).rows["train"].w is None


def test_a_weight_follows_its_row_through_a_recipe_that_removes_some(tmp_path: Path) -> None:
    frame = table().with_columns(w=pl.col("x") + 10.0)
    steps = [{"step": "filter", "columns": [], "params": {"condition": "x > 0"}}]
    made = source(tmp_path, frame, asked=Demands("w"), steps=steps).prepare(Needs())
    rows = made.rows["train"]
    assert len(rows) < 100 and rows.w is not None
    whole = frame[source(tmp_path, frame).parts["train"]]["w"].mean()
    assert rows.w * whole == pytest.approx(rows.X[:, made.features.index("x")] + 10.0)


def test_a_constraint_reaches_the_columns_made_of_its_own(tmp_path: Path) -> None:
    steps = [
        {"step": "normalise", "columns": ["x"]},
        {"step": "missing", "columns": ["x"], "params": {"method": "median", "indicator": True}},
    ]
    made = source(tmp_path, asked=Demands(monotone={"x": -1}), steps=steps, features=["x", "z"]).prepare(Needs())
    assert dict(zip(made.features, made.monotone, strict=True)) == {"x": -1, "z": 0}


def test_a_constraint_on_what_a_recipe_bends_is_refused(tmp_path: Path) -> None:
    steps = [{"step": "derive", "columns": [], "params": {"name": "bent", "expression": "x * x"}}]
    with pytest.raises(TrainError) as caught:
        source(tmp_path, asked=Demands(monotone={"x": 1}), steps=steps).prepare(Needs())
    assert caught.value.field == "monotone.x" and "bent" in caught.value.detail


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"asked": Demands("nothing")}, "weight"),
        ({"asked": Demands("who")}, "weight"),
        ({"asked": Demands("x"), "features": ["x", "z"]}, "weight"),
        ({"asked": Demands(class_weight="heavy")}, "class_weight"),
        ({"asked": Demands(monotone={"who": 1})}, "monotone.who"),
        ({"asked": Demands(monotone={"x": 2})}, "monotone.x"),
        ({"asked": Demands(latency_ms=0.0)}, "latency_ms"),
        ({"split": {"kind": "sideways"}}, "split.kind"),
        ({"split": {"kind": "grouped"}}, "split.by"),
        ({"split": {"by": "who"}}, "split.by"),
        ({"split": {"kind": "time", "by": "who"}}, "split.by"),
        ({"split": {"kind": "time", "by": "y"}}, "split.by"),
    ],
)
def test_what_cannot_be_asked_is_named(tmp_path: Path, given: dict[str, Any], field: str) -> None:
    with pytest.raises(TrainError) as caught:
        source(tmp_path, **given)
    assert caught.value.field == field
    assert caught.value.detail


@pytest.mark.parametrize(
    ("made", "slope"),
    [(lambda x: 3 * x + 1, 1), (lambda x: -(x**3), -1), (np.abs, None), (np.zeros_like, 0), (np.sign, 1)],
)
def test_slopes(made: Any, slope: int | None) -> None:
    raw = np.random.default_rng(0).normal(size=300)
    assert demands._slope(raw, made(raw)) == slope
