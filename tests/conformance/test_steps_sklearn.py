"""Where scikit-learn has the same step, the results are the same to 1e-9."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from datasets.recipe import fit
from datasets.schema import Schema

NUMBERS = ["a", "b", "constant"]
SCHEMA = Schema.of([*((name, "number") for name in NUMBERS), ("city", "text")])


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    rng = np.random.default_rng(7)
    a = rng.lognormal(2, 1, 500)
    a[rng.random(500) < 0.1] = np.nan
    b = rng.normal(1e3, 1, 500).round(3)
    city = rng.choice(["Lyon", "Zürich", "北京", "rare"], 500, p=[0.5, 0.3, 0.19, 0.01]).tolist()
    return pl.DataFrame({"a": a, "b": b, "constant": np.full(500, 0.1), "city": city})


def ours(table: pl.DataFrame, step: str, columns: list[str], **params: Any) -> pl.DataFrame:
    steps = [{"step": step, "columns": columns, "params": params}]
    return fit(steps, table, SCHEMA).transform(table, training=False).collect()


def scaler(name: str) -> Any:
    from sklearn import preprocessing

    return getattr(preprocessing, name)()


@pytest.mark.parametrize(
    ("method", "reference"), [("zscore", "StandardScaler"), ("minmax", "MinMaxScaler"), ("robust", "RobustScaler")]
)
def test_normalise(table: pl.DataFrame, method: str, reference: str) -> None:
    made = ours(table, "normalise", NUMBERS, method=method).select(NUMBERS).to_numpy()
    expected = scaler(reference).fit_transform(table.select(NUMBERS).to_numpy())
    np.testing.assert_allclose(made, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("method", "strategy"),
    [("mean", "mean"), ("median", "median"), ("mode", "most_frequent"), ("constant", "constant")],
)
def test_missing_with_indicator(table: pl.DataFrame, method: str, strategy: str) -> None:
    from sklearn.impute import SimpleImputer

    value = {"value": 3.5} if method == "constant" else {}
    made = ours(table, "missing", ["a"], method=method, indicator=True, **value).select("a", "a_missing").to_numpy()
    imputer = SimpleImputer(strategy=strategy, add_indicator=True, fill_value=3.5 if value else None)
    np.testing.assert_allclose(made, imputer.fit_transform(table.select("a").to_numpy()), rtol=1e-9)


def test_one_hot(table: pl.DataFrame) -> None:
    from sklearn.preprocessing import OneHotEncoder

    made = ours(table, "encode", ["city"])
    flags = [name for name in made.columns if name.startswith("city=")]
    expected = OneHotEncoder(sparse_output=False).fit_transform(table.select("city").to_numpy())
    np.testing.assert_array_equal(made.select(flags).to_numpy(), expected)


def test_one_hot_with_a_rare_bucket(table: pl.DataFrame) -> None:
    from sklearn.preprocessing import OneHotEncoder

    made = ours(table, "encode", ["city"], rare=0.05)
    assert made.columns[-4:] == ["city=Lyon", "city=Zürich", "city=北京", "city=other"]
    encoder = OneHotEncoder(sparse_output=False, min_frequency=0.05)
    np.testing.assert_array_equal(made[:, -4:].to_numpy(), encoder.fit_transform(table.select("city").to_numpy()))


def test_ordinal(table: pl.DataFrame) -> None:
    from sklearn.preprocessing import OrdinalEncoder

    made = ours(table, "encode", ["city"], method="ordinal").select("city").to_numpy()
    np.testing.assert_array_equal(made, OrdinalEncoder().fit_transform(table.select("city").to_numpy()))
