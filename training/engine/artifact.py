"""The artifact: a trained model as one folder of data, and the gate that it predicts what was trained.

    manifest.json         what it predicts from what, and the sha256 of every other file
    recipe.json           the preparation with its fitted statistics
    model.onnx            "features" (rows, d) double → "output" (rows, 1) value or (rows, classes) probabilities
    weights.safetensors   linear models: coef (outputs, d), intercept (outputs,), float64

Nothing in it depends on the time or place of writing: same data, recipe, seed and versions give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.errors import TrainError
from training.engine.family import BINARY, REGRESSION, Exported, Fitted
from training.engine.graph import Graph

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
TOLERANCE = 1e-6
LIBRARIES = ("lightgbm", "numpy", "onnx", "polars", "safetensors", "scikit-learn", "torch")


def onnx(model: Exported, task: str, features: int) -> bytes:
    """The model as a graph of its own, from `features` numbers to the task's answer."""
    graph = Graph()
    model.write(graph)
    graph.link(task)
    return graph.finish(features, 2 if task == BINARY else model.outputs)


def write_model(folder: Path, model: Exported, task: str, features: int) -> None:
    """Write the model's own files."""
    from safetensors.numpy import save

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(onnx(model, task, features))
    if model.weights is not None:
        (folder / "weights.safetensors").write_bytes(save(dict(model.weights)))


def write_manifest(folder: Path, manifest: Mapping[str, Any], recipe: str) -> None:
    """Write the recipe, and last the manifest over everything that lies in the folder."""
    (folder / "recipe.json").write_text(recipe, encoding="utf-8")
    names = sorted(path.name for path in folder.iterdir() if path.name != "manifest.json")
    linear = "weights.safetensors" in names
    whole = {
        **manifest,
        "format": FORMAT,
        "model": {"kind": "linear", "file": "weights.safetensors"}
        if linear
        else {"kind": "onnx", "file": "model.onnx"},
        "versions": versions(),
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    }
    text = json.dumps(whole, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


class Model:
    """A written model read back, for scoring: the numbers a user will get, not those of the object in memory."""

    def __init__(self, folder: Path, task: str, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        content = (folder / "model.onnx").read_bytes()
        self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.task = task

    def predict(self, X: np.ndarray, chunk: int = 16_384) -> np.ndarray:
        """Shape: X (rows, d) to (rows,) values or (rows, classes) probabilities."""
        import numpy as np

        parts = [X[start : start + chunk] for start in range(0, max(1, len(X)), chunk)]
        output = np.concatenate([self.session.run(None, {"features": part})[0] for part in parts])
        return output[:, 0] if self.task == REGRESSION else output


def check_parity(fitted: Fitted, written: Model, X: np.ndarray, spread: float) -> float:
    """Return how far the written model is from the trained one, in units of the target (of its spread when above 1).

    Raises TrainError beyond a millionth: a model that answers other numbers than were scored is not handed out.
    """
    import numpy as np

    if not len(X):
        return 0.0
    trained = fitted.predict(X)
    distance = np.abs(written.predict(X) - trained) / np.maximum(np.maximum(1.0, spread), np.abs(trained))
    worst = float(distance.max())
    if not worst <= TOLERANCE:
        detail = f"The written model differs from the trained one by {worst:.2g} (allowed: {TOLERANCE:g})."
        raise TrainError("artifact_differs", detail, "Train again with smaller weights or report this family.")
    return worst
