"""Small models of every kind over one table with numbers, gaps, categories and truth values, as artifacts on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from datasets.recipe import fit
from datasets.schema import Schema
from plugins.params import validate_params
from serving.runtime.artifact import Artifact, from_folder, read
from serving.runtime.explain.background import Background
from serving.runtime.explain.explainer import Explainer
from serving.runtime.predictor import Predictor
from training.engine import inputs, merging
from training.engine.artifact import onnx, write_manifest, write_model
from training.engine.control import Control, Silent
from training.engine.family import FAMILIES, MULTICLASS, REGRESSION, Exported, Problem, Rows
from training.engine.graph import Graph
from training.engine.merging import Weighted

SCHEMA = Schema.of(
    [("age", "integer"), ("income", "number"), ("city", "text"), ("owner", "boolean"), ("debt", "number")]
)
COLUMNS = SCHEMA.names
STEPS = [
    {"step": "encode", "columns": ["city"], "params": {"method": "onehot", "unseen": "other"}},
    {"step": "missing", "columns": ["debt"], "params": {"method": "median"}},
]
COMPLETE = [{"step": "missing", "columns": ["income"], "params": {"method": "median"}}]
SHARED = {"step": "derive", "columns": [], "params": {"name": "burden", "expression": "debt / (age + 1)"}}
CLASSES: dict[str, list[Any] | None] = {REGRESSION: None, "binary": ["bad", "good"], MULTICLASS: ["a", "b", "c"]}

INSTANCES = st.fixed_dictionaries({
    "age": st.integers(15, 90),
    "income": st.one_of(st.none(), st.floats(-3, 3)),
    "city": st.one_of(st.none(), st.sampled_from(["Lyon", "Nice", "Paris", "Elsewhere"])),
    "owner": st.booleans(),
    "debt": st.one_of(st.none(), st.floats(-3, 3)),
})  # fmt: skip


def table(rows: int = 400) -> pl.DataFrame:
    random = np.random.default_rng(4)
    income = random.normal(size=rows)
    return pl.DataFrame({
        "age": random.integers(18, 80, rows),
        "income": [None if gap else value for gap, value in zip(random.random(rows) < 0.1, income.tolist(), strict=True)],
        "city": [None, *random.choice(["Lyon", "Nice", "Paris"], rows - 1).tolist()],
        "owner": random.random(rows) < 0.4,
        "debt": [0.3, None, *random.normal(size=rows - 2).tolist()],
    })  # fmt: skip


def truth(frame: pl.DataFrame, task: str) -> np.ndarray:
    income, debt = frame["income"].fill_null(0.5).to_numpy(), frame["debt"].fill_null(0.0).to_numpy()
    score = (
        income * debt + (frame["city"] == "Nice").fill_null(False).to_numpy() * 1.5 + frame["owner"].to_numpy() * income
    )
    score = score + (frame["age"].to_numpy() - 50) / 30
    return {REGRESSION: score, "binary": (score > 0.3).astype(int), MULTICLASS: np.digitize(score, [-0.3, 1.0])}[task]


def write(folder: Path, kind: str, task: str, *, shared: bool = False, seed: int = 0) -> Path:
    """`kind` is linear, trees, forest (two tree models averaged) or mlp; `shared` adds a number made of two columns."""
    frame = table()
    steps = [*STEPS, *([] if kind in {"trees", "forest"} else COMPLETE), *([SHARED] if shared else [])]
    recipe = fit(steps, frame, SCHEMA)
    prepared = recipe.transform(frame, training=False).collect()
    X, y = prepared.cast(pl.Float64).to_numpy(), truth(frame, task)
    outputs = 3 if task == MULTICLASS else 1
    if kind == "forest":
        graphs = [onnx(_trees(X, y, task, seed + turn).export(), task, X.shape[1]) for turn in range(2)]
        folder.mkdir(parents=True)
        width = {REGRESSION: 1, "binary": 2, MULTICLASS: 3}[task]
        (folder / "model.onnx").write_bytes(merging.merge([Weighted(graphs, 1.0)], X.shape[1], width))
    else:
        model = _trees(X, y, task, seed).export() if kind == "trees" else _drawn(kind, X.shape[1], outputs, seed)
        write_model(folder, model, task, X.shape[1])
    manifest = {
        "family": kind, "task": task, "target": "risk", "classes": CLASSES[task],
        "inputs": inputs.describe(frame, SCHEMA, COLUMNS), "features": recipe.output_schema.names, "seed": seed,
    }  # fmt: skip
    write_manifest(folder, manifest, recipe.dumps())
    return folder


def _trees(X: np.ndarray, y: np.ndarray, task: str, seed: int) -> Any:
    params = validate_params(FAMILIES["trees"].params, {"rounds": 15, "max_leaves": 12, "patience": None})
    rows = Rows(X, y)
    problem = Problem(task, rows, rows, seed, 0 if task == REGRESSION else len(np.unique(y)))
    return FAMILIES["trees"].fit(problem, params, Control(Silent()))


def _drawn(kind: str, features: int, outputs: int, seed: int) -> Exported:
    random = np.random.default_rng(seed)
    scale = 1.0 / np.array([20.0, *np.ones(features - 1)])
    coef, intercept = random.normal(size=(outputs, features)) * scale, random.normal(size=outputs)
    if kind == "linear":
        return Exported(lambda graph: graph.dense(coef, intercept), outputs, {"coef": coef, "intercept": intercept})
    hidden, last = random.normal(size=(8, features)) * scale, random.normal(size=(outputs, 8))

    def layers(graph: Graph) -> None:
        graph.dense(hidden, random.normal(size=8))
        graph.activate("tanh")
        graph.dense(last, intercept)

    return Exported(layers, outputs)


def background(rows: int = 12) -> Background:
    return Background(table().head(rows).to_dicts())


def load(folder: Path) -> tuple[Predictor, Artifact]:
    artifact = read(from_folder(folder))
    return Predictor(artifact), artifact


def explainer(folder: Path, rows: int = 12) -> Explainer:
    predictor, artifact = load(folder)
    return Explainer(predictor, artifact, background(rows))
