"""One peer of bench/training.py in a process of its own, which may be another environment's: plain Python and pandas.

    python bench/training_peers.py PEER FOLDER TARGET TASK SECONDS

Reads FOLDER/train.parquet and test.parquet; writes answers.npy (values, or probabilities in the classes' order) and
seconds.txt. Defaults throughout: that is what one would pick instead.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def codes(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Text as pandas categories, which the boosters take as they are."""
    train, test = train.copy(), test.copy()
    for name in train.columns:
        if not pd.api.types.is_numeric_dtype(train[name]) and not pd.api.types.is_bool_dtype(train[name]):
            kinds = pd.CategoricalDtype(sorted(train[name].dropna().astype(str).unique()))
            train[name], test[name] = (table[name].astype("string").astype(kinds) for table in (train, test))
    return train, test


def estimator(peer: str, task: str, names: list[str]) -> Any:
    regression = task == "regression"
    if peer == "lightgbm":
        import lightgbm

        return (lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier)(verbosity=-1)
    if peer == "xgboost":
        import xgboost

        return (xgboost.XGBRegressor if regression else xgboost.XGBClassifier)(enable_categorical=True)
    if peer == "catboost":
        import catboost

        kind = catboost.CatBoostRegressor if regression else catboost.CatBoostClassifier
        return kind(verbose=0, allow_writing_files=False, cat_features=names)
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return (HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier)(
        categorical_features="from_dtype"
    )


def simple(peer: str, train: pd.DataFrame, test: pd.DataFrame, target: str, task: str) -> np.ndarray:
    X, Z = codes(train.drop(columns=target), test.drop(columns=target))
    texts = [name for name in X.columns if isinstance(X[name].dtype, pd.CategoricalDtype)]
    if peer == "catboost":
        for table in (X, Z):
            table[texts] = table[texts].astype(str)
    model = estimator(peer, task, texts)
    if task == "regression":
        return np.asarray(model.fit(X, train[target]).predict(Z))
    classes = sorted(train[target].unique())
    model.fit(X, train[target].map({value: place for place, value in enumerate(classes)}))
    return np.asarray(model.predict_proba(Z))


def flaml(train: pd.DataFrame, test: pd.DataFrame, target: str, task: str, seconds: float) -> np.ndarray:
    import flaml as library

    model = library.AutoML()
    kind, metric = ("regression", "rmse") if task == "regression" else ("classification", "log_loss")
    X, Z = codes(train.drop(columns=target), test.drop(columns=target))
    model.fit(X, train[target], task=kind, metric=metric, time_budget=seconds, verbose=0)
    return np.asarray(model.predict(Z) if task == "regression" else model.predict_proba(Z))


def autogluon(train: pd.DataFrame, test: pd.DataFrame, target: str, task: str, seconds: float) -> np.ndarray:
    from tempfile import TemporaryDirectory

    from autogluon.tabular import TabularPredictor

    metric = "root_mean_squared_error" if task == "regression" else "log_loss"
    with TemporaryDirectory() as folder:
        model = TabularPredictor(label=target, problem_type=task, eval_metric=metric, path=folder, verbosity=0)
        model.fit(train, presets="medium_quality", time_limit=seconds)
        if task == "regression":
            return model.predict(test).to_numpy()
        answer = model.predict_proba(test)
        return answer[sorted(answer.columns)].to_numpy()


def main() -> None:
    peer, folder, target, task, seconds = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4], float(sys.argv[5])
    train, test = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "test.parquet")
    started = time.monotonic()
    if peer in {"flaml", "autogluon"}:
        answers = {"flaml": flaml, "autogluon": autogluon}[peer](train, test, target, task, seconds)
    else:
        answers = simple(peer, train, test, target, task)
    (folder / "seconds.txt").write_text(str(time.monotonic() - started))
    np.save(folder / "answers.npy", answers)


if __name__ == "__main__":
    main()
