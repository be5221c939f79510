"""Small artifacts, written by the engine's own writer over a recipe that was really fitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from datasets.recipe import fit
from datasets.schema import Schema
from training.engine.artifact import write_manifest, write_model
from training.engine.family import Exported
from training.engine.graph import Graph

SCHEMA = Schema.of([("age", "integer"), ("income", "number"), ("city", "text")])
FRAME = pl.DataFrame({
    "age": [20, 30, 40, 50, 60, 70],
    "income": [1000.0, 2000.0, None, 4000.0, 3000.0, 2500.0],
    "city": ["Lyon", "Paris", "Lyon", "Paris", "Nice", None],
})  # fmt: skip
STEPS = [
    {"step": "missing", "columns": ["age", "income"], "params": {"method": "median"}},
    {"step": "encode", "columns": ["city"], "params": {"method": "onehot", "unseen": "other"}},
    {"step": "normalise", "columns": ["age", "income"], "params": {"method": "zscore"}},
]
INPUTS = [
    {"name": "age", "type": "integer", "required": True, "minimum": 20, "maximum": 70, "example": 45},
    {"name": "income", "type": "number", "required": False, "minimum": 1000, "maximum": 4000, "example": 2500},
    {"name": "city", "type": "text", "required": False, "categories": ["Lyon", "Nice", "Paris"], "example": "Lyon"},
]
CLASSES = {"regression": None, "binary": ["bad", "good"], "multiclass": ["high", "low", "middle"]}
ROW = {"age": 45, "income": 2500.0, "city": "Lyon"}


def write(
    home: Path,
    *,
    task: str = "binary",
    kind: str = "linear",
    inputs: list[dict[str, Any]] | None = None,
    gain: float = 1.0,
) -> Path:
    """Write an artifact of fixed, seeded weights into home/model. `kind` is linear or mlp."""
    folder = home / "model"
    recipe = fit(STEPS, FRAME, SCHEMA)
    features = recipe.output_schema.names
    rng, outputs = np.random.default_rng(3), 3 if task == "multiclass" else 1
    coef, intercept = gain * rng.normal(size=(outputs, len(features))), rng.normal(size=outputs)
    if kind == "linear":
        model = Exported(lambda into: into.dense(coef, intercept), outputs, {"coef": coef, "intercept": intercept})
    else:
        hidden = (rng.normal(size=(8, len(features))), rng.normal(size=8))
        last = (rng.normal(size=(outputs, 8)), intercept)

        def layers(graph: Graph) -> None:
            graph.dense(*hidden)
            graph.activate("relu")
            graph.dense(*last)

        model = Exported(layers, outputs)
    write_model(folder, model, task, len(features))
    manifest = {
        "family": kind,
        "task": task,
        "target": "risk",
        "classes": CLASSES[task],
        "inputs": inputs or INPUTS,
        "features": features,
        "seed": 3,
    }
    write_manifest(folder, manifest, recipe.dumps())
    return folder
