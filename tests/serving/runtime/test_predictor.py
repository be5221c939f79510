"""A folder becomes a model that answers, and nothing else is loaded."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.recipe import fit
from serving.runtime import models
from serving.runtime.artifact import from_folder, read
from serving.runtime.cache import PredictorCache
from serving.runtime.faults import ArtifactRefused, InstanceErrors
from serving.runtime.predictor import Predictor
from tests.serving.artifacts import FRAME, ROW, SCHEMA, STEPS, write

ROOT = Path(__file__).resolve().parents[3]


def test_a_regression_answers_values(tmp_path: Path) -> None:
    answers = Predictor.load(write(tmp_path, task="regression")).predict([ROW, {"age": 20}])
    assert [list(answer) for answer in answers] == [["value"], ["value"]]
    assert all(math.isfinite(answer["value"]) for answer in answers)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_classifier_answers_label_and_probabilities(tmp_path: Path, task: str, kind: str) -> None:
    predictor = Predictor.load(write(tmp_path, task=task, kind=kind))
    [answer] = predictor.predict([ROW])
    assert set(answer) == {"label", "probabilities"}
    assert list(answer["probabilities"]) == list(predictor.classes)
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_folded_weights_answer_what_the_graph_answers(tmp_path: Path, task: str) -> None:
    artifact = read(from_folder(write(tmp_path, task=task)))
    X = np.random.default_rng(1).normal(size=(200, len(artifact.manifest["features"])))
    folded = models.linear(artifact.files["weights.safetensors"], task)(X)
    assert np.allclose(folded, models.onnx(artifact.files["model.onnx"])(X), rtol=1e-12, atol=1e-15)


def test_a_tiny_probability_is_not_rounded_to_zero(tmp_path: Path) -> None:
    artifact = read(from_folder(write(tmp_path)))
    X = np.full((1, len(artifact.manifest["features"])), 0.0)
    coef = models.tensors(artifact.files["weights.safetensors"])["coef"]
    X[0] = -60 * np.sign(coef[0])
    [[no, yes]] = models.linear(artifact.files["weights.safetensors"], "binary")(X).tolist()
    assert no == 1.0
    assert 0 < yes < 1e-20


def test_rows_are_prepared_as_the_table_was(tmp_path: Path) -> None:
    """One row at a time gives what the fitted recipe and the model give over the whole table."""
    predictor = Predictor.load(write(tmp_path, kind="mlp", task="regression"))
    artifact = read(from_folder(tmp_path / "model"))
    prepared = fit(STEPS, FRAME, SCHEMA).transform(FRAME, training=False).collect()
    X = prepared.select(artifact.manifest["features"]).to_numpy().astype(float)
    expected = models.onnx(artifact.files["model.onnx"])(X)[:, 0]
    rows = [{k: v for k, v in row.items() if v is not None} for row in FRAME.to_dicts()]
    got = [answer["value"] for answer in predictor.predict(rows)]
    assert np.allclose(got, expected, rtol=0, atol=1e-9)


def test_ten_thousand_rows(tmp_path: Path) -> None:
    assert len(Predictor.load(write(tmp_path)).predict([ROW] * 10_000)) == 10_000


def test_numbers_too_large_for_the_model_name_the_instance(tmp_path: Path) -> None:
    predictor = Predictor.load(write(tmp_path, task="regression", gain=1e10))
    with pytest.raises(InstanceErrors) as refused:
        predictor.predict([ROW, {"age": 40, "income": 1.7e308}])
    assert [error["field"] for error in refused.value.errors] == ["instances[1]"]
    assert "finite" in refused.value.errors[0]["message"]


@pytest.mark.parametrize("name", ["recipe.json", "weights.safetensors", "model.onnx"])
def test_a_changed_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(ArtifactRefused, match=name) as refused:
        Predictor.load(folder)
    assert refused.value.code == "artifact_changed"


@pytest.mark.parametrize("name", ["recipe.json", "model.onnx", "manifest.json"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    (write(tmp_path) / name).unlink()
    with pytest.raises(ArtifactRefused, match=name) as refused:
        Predictor.load(tmp_path / "model")
    assert refused.value.code == "artifact_missing"


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"files": {}},
        {"inputs": 7},
        {"model": {"kind": "pickle", "file": "model.onnx"}},
        {"files": {"../secret": "0" * 64, "recipe.json": "", "weights.safetensors": ""}},
    ],
)
def test_a_manifest_that_lies_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    file = write(tmp_path) / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ArtifactRefused):
        Predictor.load(tmp_path / "model")


def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (write(tmp_path) / "manifest.json").write_bytes(b"\x80\x04 pickled")
    with pytest.raises(ArtifactRefused, match=r"manifest\.json"):
        Predictor.load(tmp_path / "model")


EXPORT = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "rest_framework", "celery", "torch", "sklearn", "pandas", "polars", "pyarrow",
                                  "safetensors", "orjson", "scipy", "onnx", "optuna", "accounts", "departments"}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocked())
sys.path[:0] = ["platform", "."]
import json
from serving.runtime.predictor import Predictor
print(json.dumps(Predictor.load(sys.argv[1]).predict(json.loads(sys.argv[2]))))
"""


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_it_predicts_equally_with_numpy_and_onnxruntime_only(tmp_path: Path, kind: str) -> None:
    predictor, rows = Predictor.load(write(tmp_path, kind=kind)), [ROW, {"age": 20}, {"age": 70, "city": "Atlantis"}]
    command = [sys.executable, "-c", EXPORT, str(tmp_path / "model"), json.dumps(rows)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == predictor.predict(rows)


def test_the_cache_loads_once_for_many_askers(tmp_path: Path) -> None:
    cache, loads, folder = PredictorCache(4), [], write(tmp_path)

    def load() -> Predictor:
        loads.append(1)
        return Predictor.load(folder)

    threads = [threading.Thread(target=cache.get, args=("a", load)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


def test_the_cache_drops_the_least_recently_used(tmp_path: Path) -> None:
    cache, predictor = PredictorCache(2), Predictor.load(write(tmp_path))
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: predictor)
    assert ("a" in cache, "b" in cache, "c" in cache) == (True, False, True)


def test_a_load_that_fails_is_tried_again(tmp_path: Path) -> None:
    cache, predictor = PredictorCache(2), Predictor.load(write(tmp_path))

    def fail() -> Predictor:
        raise ArtifactRefused("artifact_missing", "gone")

    with pytest.raises(ArtifactRefused):
        cache.get("a", fail)
    assert cache.get("a", lambda: predictor) is predictor
