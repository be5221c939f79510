"""Each check of the data finds what it is for, and leaves sound tables alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from datasets.schema import Schema
from tests.training.engine.tables import credit
from training.engine import checks, data
from training.engine.split import DEFAULT

TYPES = {pl.Float64: "number", pl.Int64: "integer", pl.String: "text", pl.Boolean: "boolean", pl.Date: "date"}


def found(frame: pl.DataFrame, folder: Path, target: str, **given: Any) -> dict[str, dict[str, Any]]:
    """The findings by the check's name and the columns."""
    path = folder / "table.parquet"
    frame.write_parquet(path)
    schema = Schema.of((name, TYPES[type(dtype)]) for name, dtype in frame.schema.items())
    asked = {"features": [], "steps": [], "task": None, "shares": DEFAULT, "seed": 0, **given}
    source = data.read(path, schema, target=target, **asked)
    return {" ".join([each["check"], *each["columns"]]): each for each in checks.before(source)}


@pytest.mark.parametrize("target", ["price", "default", "grade"])
def test_a_sound_table_has_no_finding(tmp_path: Path, target: str) -> None:
    frame, _schema = credit(2000)
    assert found(frame.select("age", "income", "city", "owner", target), tmp_path, target) == {}


@pytest.mark.parametrize(
    ("target", "leak"),
    [
        ("price", pl.col("price") * 0.01 + 3),
        ("price", (pl.col("price") - 50_000) ** 3),
        ("default", pl.col("default").cast(pl.String)),
        ("default", (pl.col("default").cast(pl.Float64) - 0.5).abs() * 0 + pl.col("default").cast(pl.Float64) * -3),
        ("grade", pl.col("grade").replace_strict({"a": 7, "b": 1, "c": 4}, return_dtype=pl.Int64)),
    ],
)
def test_a_column_that_gives_the_target_away(tmp_path: Path, target: str, leak: pl.Expr) -> None:
    frame = credit(600)[0].select("age", "city", target).with_columns(leak.alias("later"))
    finding = found(frame, tmp_path, target)["leakage later"]
    assert finding["value"] >= 0.95 and finding["severity"] == "error"
    assert finding["action"] == {"kind": "leave_out", "columns": ["later"]}


def test_a_strong_honest_column_is_no_leak(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=3000)
    frame = pl.DataFrame({"x": x, "y": (x + random.normal(0, 0.8, 3000)) > 0})
    assert "leakage x" not in found(frame, tmp_path, "y")


def test_an_identifier_is_no_leak_but_named(tmp_path: Path) -> None:
    frame = credit(600)[0].select("age", "city", "default")
    frame = frame.with_columns(
        number=pl.int_range(1000, 1600), key=pl.int_range(600).cast(pl.String) + "-x", amount=pl.int_range(600) * 977
    )
    names = found(frame, tmp_path, "default")
    assert {"identifier number", "identifier key"} <= set(names) and "identifier amount" not in names
    assert not [name for name in names if name.startswith("leakage")]


def test_equal_rows_on_both_sides_of_the_split(tmp_path: Path) -> None:
    once = credit(300)[0].select("age", "income", "city", "default")
    twice = pl.concat([once, once])
    finding = found(twice, tmp_path, "default")["split_duplicates"]
    assert finding["value"] > 0.3 and finding["action"]["step"]["step"] == "duplicates"
    mended = [finding["action"]["step"]]
    assert "split_duplicates" not in found(twice, tmp_path, "default", steps=mended)


def test_constant_columns(tmp_path: Path) -> None:
    frame = credit(300)[0].select("age", "default").with_columns(same=pl.lit(3, dtype=pl.Int64), empty_text=pl.lit("x"))
    finding = found(frame, tmp_path, "default")["constant_column same empty_text"]
    assert finding["action"]["columns"] == ["same", "empty_text"]


@pytest.mark.parametrize(("share", "check"), [(0.03, "imbalance y"), (0.004, "few_rows_in_class y"), (0.3, "")])
def test_a_rare_class(tmp_path: Path, share: float, check: str) -> None:
    random = np.random.default_rng(1)
    rare = np.arange(1500) < 1500 * share
    frame = pl.DataFrame({"x": random.normal(size=1500), "y": np.where(random.permutation(rare), "bad", "good")})
    names = set(found(frame, tmp_path, "y"))
    assert names == ({check} if check else set())


def test_a_shift_between_the_parts(tmp_path: Path) -> None:
    """The split is at random, so the shift is made by handing over parts that were not."""
    random = np.random.default_rng(2)
    frame = pl.DataFrame({"x": random.normal(size=1000), "z": random.normal(size=1000), "y": random.random(1000)})
    frame = frame.with_columns(x=pl.when(pl.int_range(1000) >= 600).then(pl.col("x") + 0.6).otherwise("x"))
    path = tmp_path / "table.parquet"
    frame.write_parquet(path)
    schema = Schema.of((name, "number") for name in frame.columns)
    source = data.read(path, schema, target="y", features=[], steps=[], task=None, shares=DEFAULT, seed=0)
    assert [each for each in checks.before(source) if each["check"] == "shift"] == []
    source.parts = {"train": np.arange(600), "validation": np.arange(600, 800), "test": np.arange(800, 1000)}
    shifted = [each["columns"] for each in checks.before(source) if each["check"] == "shift"]
    assert shifted == [["x"]]


def test_missing_values_and_dates_are_read(tmp_path: Path) -> None:
    frame = credit(300)[0].select("income", "default")
    frame = frame.with_columns(gap=pl.when(pl.col("default")).then(None).otherwise(1.5))
    assert "leakage gap" in found(frame, tmp_path, "default"), "that a value is missing can give the target away"


def test_a_column_named_after_the_target(tmp_path: Path) -> None:
    frame = credit(300)[0].select("age", "city", "default").with_columns(
        pl.col("age").alias("DefaultReason"), pl.col("age").alias("was_default_2"), pl.col("age").alias("default_rate_of_city")
    )  # fmt: skip
    names = found(frame, tmp_path, "default")
    assert names["named_after_target DefaultReason"]["action"] == {"kind": "leave_out", "columns": ["DefaultReason"]}
    assert "named_after_target was_default_2" in names
    assert "named_after_target default_rate_of_city" not in names


def test_a_date_that_only_one_outcome_has(tmp_path: Path) -> None:
    frame = credit(600)[0].select("age", "city", "default")
    bad = pl.col("default").cast(pl.String).is_in(["true", "1", "yes"])
    day = pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(600))
    frame = frame.with_columns(opened=day, chased=pl.when(bad).then(day), seen=pl.when(pl.col("age") > 30).then(day))
    names = found(frame, tmp_path, "default")
    assert names["date_after_outcome chased"]["value"] == 1.0
    assert names["date_after_outcome chased"]["severity"] == "error"
    assert not {"date_after_outcome opened", "date_after_outcome seen"} & set(names)


def test_many_categories_are_offered_an_encoding(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = credit(900)[0].select("age", "default")
    frame = frame.with_columns(
        town=pl.Series(random.integers(0, 200, 900)).cast(pl.String),
        region=pl.Series(random.integers(0, 9, 900)).cast(pl.String),
    )
    names = found(frame, tmp_path, "default")
    assert "high_cardinality region" not in names
    step = names["high_cardinality town"]["action"]["step"]
    assert (step["step"], step["columns"]) == ("target", ["town"])
    assert "high_cardinality town" not in found(frame, tmp_path, "default", steps=[step])


def test_rows_that_drifted_in_many_columns_a_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    columns = {f"x{i}": random.normal(size=2000) for i in range(30)}
    frame = pl.DataFrame({**columns, "y": random.normal(size=2000)})
    assert found(frame, tmp_path, "y") == {}

    def held_back_later(*given: Any, **named: Any) -> dict[str, np.ndarray]:
        del given, named
        return {"train": np.arange(1200), "validation": np.arange(1200, 1600), "test": np.arange(1600, 2000)}

    monkeypatch.setattr(data.split, "split", held_back_later)
    later = pl.when(pl.int_range(2000) >= 1200).then(0.15).otherwise(0.0)
    names = found(frame.with_columns(pl.col(f"x{i}") + later for i in range(30)), tmp_path, "y")
    assert names["drifted"]["value"] > 0.6 and "shift x0" not in names
