"""Where scikit-learn has the same step, the results are the same to 1e-9."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from datasets.recipe import FittedRecipe, fit
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


def fitted(
    table: pl.DataFrame, step: str, columns: list[str], target: str | None = None, **params: Any
) -> FittedRecipe:
    return fit([{"step": step, "columns": columns, "params": params}], table, SCHEMA, target=target)


def ours(table: pl.DataFrame, step: str, columns: list[str], **params: Any) -> pl.DataFrame:
    return fitted(table, step, columns, **params).transform(table, training=False).collect()


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


@pytest.mark.parametrize("shape", ["uniform", "normal"])
def test_quantile(table: pl.DataFrame, shape: str) -> None:
    from sklearn.preprocessing import QuantileTransformer

    made = ours(table, "quantile", ["a", "b"], shape=shape, quantiles=100).select("a", "b").to_numpy()
    reference = QuantileTransformer(n_quantiles=100, output_distribution=shape)
    np.testing.assert_allclose(made, reference.fit_transform(table.select("a", "b").to_numpy()), rtol=1e-9, atol=1e-9)


def test_power(table: pl.DataFrame) -> None:
    from sklearn.preprocessing import PowerTransformer

    both = table.with_columns(b=pl.col("b") - 1e3)
    made = ours(both, "power", ["a", "b"]).select("a", "b").to_numpy()
    expected = PowerTransformer().fit_transform(both.select("a", "b").to_numpy())
    np.testing.assert_allclose(made, expected, rtol=1e-9, atol=1e-9)


def test_knn(table: pl.DataFrame) -> None:
    from sklearn.impute import KNNImputer

    rng = np.random.default_rng(1)
    gaps = table.with_columns(
        b=pl.when(pl.int_range(pl.len()) % 7 != 3).then(pl.Series(rng.normal(size=len(table)))),
        constant=pl.Series(rng.normal(size=len(table))),
    )
    made = ours(gaps, "knn", NUMBERS, neighbours=4, reference=500).select(NUMBERS).to_numpy()
    expected = KNNImputer(n_neighbors=4).fit_transform(gaps.select(NUMBERS).to_numpy())
    np.testing.assert_allclose(made, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("method", "strategy"), [("width", "uniform"), ("quantile", "quantile")])
def test_ranges(table: pl.DataFrame, method: str, strategy: str) -> None:
    from sklearn.preprocessing import KBinsDiscretizer

    made = ours(table, "bin", ["b"], method=method, bins=7).select("b").to_numpy()
    reference = KBinsDiscretizer(7, encode="ordinal", strategy=strategy, quantile_method="linear")
    np.testing.assert_array_equal(made, reference.fit_transform(table.select("b").to_numpy()))


@pytest.mark.parametrize("smoothing", [None, 0.0, 12.5])
def test_target(table: pl.DataFrame, smoothing: float | None) -> None:
    """Rows to be predicted get the encoding of all training rows, training rows that of the other folds."""
    from sklearn.preprocessing import TargetEncoder

    from datasets.steps._target_means import folds_of

    recipe = fitted(table, "target", ["city"], target="b", smoothing=smoothing)
    cities, y = table.select("city").to_numpy(), table["b"].to_numpy()
    reference = TargetEncoder(smooth="auto" if smoothing is None else smoothing, target_type="continuous")
    predicted = recipe.transform(table, training=False).collect()["city"].to_numpy()
    np.testing.assert_allclose(predicted, reference.fit(cities, y).transform(cities)[:, 0], rtol=1e-9)
    trained = recipe.transform(table, training=True).collect()["city"].to_numpy()
    fold = folds_of(len(table), 5)
    assert np.bincount(fold).min() > 80
    for each in range(5):
        reference.fit(cities[fold != each], y[fold != each])
        np.testing.assert_allclose(trained[fold == each], reference.transform(cities[fold == each])[:, 0], rtol=1e-9)


def test_target_of_classes(table: pl.DataFrame) -> None:
    from sklearn.preprocessing import TargetEncoder

    kinds = pl.DataFrame({"place": table["city"], "label": ["low", "mid", "high"] * 166 + ["low", "mid"]})
    schema = Schema.of([("place", "text"), ("label", "text")])
    recipe = fit([{"step": "target", "columns": ["place"]}], kinds, schema, target="label")
    made = recipe.transform(kinds, training=False).collect()
    assert made.columns == ["label", "place_high", "place_low", "place_mid"]
    expected = TargetEncoder(target_type="multiclass").fit(kinds.select("place").to_numpy(), kinds["label"].to_numpy())
    np.testing.assert_allclose(made[:, 1:].to_numpy(), expected.transform(kinds.select("place").to_numpy()), rtol=1e-9)


def test_isolation_forest_scores(table: pl.DataFrame) -> None:
    """The same trees give the same scores: scikit-learn's, carried into ours, for a table and for one row."""
    from sklearn.ensemble import IsolationForest

    from datasets.steps._forest import LEAF, path_length, score, scores

    x = np.nan_to_num(table.select(NUMBERS).to_numpy(), nan=7.0)
    forest = IsolationForest(n_estimators=30, max_samples=64, random_state=3).fit(x)
    trees = []
    for estimator in forest.estimators_:
        tree, depth = estimator.tree_, np.zeros(estimator.tree_.node_count)
        for node in range(tree.node_count):
            for child in (tree.children_left[node], tree.children_right[node]):
                if child != -1:
                    depth[child] = depth[node] + 1
        leaf = tree.children_left == -1
        length = [d + path_length(n) for d, n in zip(depth, tree.n_node_samples, strict=True)]
        trees.append(
            {
                "column": np.where(leaf, LEAF, tree.feature).tolist(),
                "threshold": tree.threshold.tolist(),
                "left": tree.children_left.tolist(),
                "right": tree.children_right.tolist(),
                "length": length,
            }
        )
    usual = path_length(64)
    expected = -forest.score_samples(x)
    np.testing.assert_allclose(scores(x, trees, usual), expected, rtol=1e-9)
    np.testing.assert_allclose([score(row, trees, usual) for row in x.tolist()], expected, rtol=1e-9)


def test_isolation_forest_finds_what_scikit_learn_finds() -> None:
    from sklearn.ensemble import IsolationForest

    random = np.random.default_rng(0)
    x = np.vstack([random.normal(size=(980, 2)), random.uniform(-8, 8, size=(20, 2))])
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1]})
    recipe = fitted(frame, "isolation", ["a", "b"], share=0.02, trees=100, sample=256)
    mine = recipe.transform(frame, training=False).collect()["unusual"].to_numpy() == 1
    theirs = IsolationForest(contamination=0.02, random_state=0).fit_predict(x) == -1
    assert mine.sum() == 20 and (mine & theirs).sum() >= 16
