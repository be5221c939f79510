"""A model from elsewhere: an ONNX file is looked at in a child, led into our form, and answers like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from onnx import TensorProto, helper, numpy_helper
from rest_framework.test import APIClient
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audit.models import AuditEvent
from jobs import sandbox
from training.importing.graph import Unusable, bounded, convert
from training.importing.services import LIMITS
from training.models import ModelVersion

Api = Callable[..., APIClient]
RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(120, 3)).astype(np.float32)
WORDS = np.where(X[:, 0] + X[:, 1] > 0, "good", "bad")
NUMBERS = np.digitize(X[:, 0], [-0.5, 0.5])
NAMES = [{"name": name} for name in ("age", "income", "debt")]


def logistic(**options: Any) -> tuple[Any, bytes]:
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, WORDS)
    return fitted, to_onnx(fitted, X[:1], **options).SerializeToString()


def send(client: APIClient, content: bytes, **more: Any) -> Any:
    parts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in more.items()}
    body = {"name": "Theirs", "department": "credit-risk", "task": "binary", "target": "risk", **parts}
    return client.post("/api/v1/models/", {**body, "file": SimpleUploadedFile("m.onnx", content)}, format="multipart")


def ask(client: APIClient, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = client.post("/api/v1/deployments/theirs/predict/", {"instances": rows}, format="json")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def as_rows(values: Any) -> list[dict[str, float]]:
    return [dict(zip(("age", "income", "debt"), map(float, row), strict=True)) for row in values]


def test_scikit_learns_classifier_is_registered_deployed_and_answers(api_of: Api, people: SimpleNamespace) -> None:
    """With the list of dictionaries that its converter puts at the end."""
    fitted, content = logistic()
    samples = {"instances": as_rows(X[:20]), "expected": fitted.predict_proba(X[:20]).tolist()}
    made = send(api_of("alice"), content, inputs=NAMES, samples=samples)
    assert made.status_code == 201, made.json()
    version = ModelVersion.objects.get()
    assert (version.family, version.task, version.number) == ("onnx", "binary", 1)
    assert version.manifest["classes"] == ["bad", "good"] and version.card["imported"]["checked_rows"] == 20
    deployed = api_of("emil").post(
        "/api/v1/deployments/", {"name": "theirs", "model_version": made.json()["id"]}, format="json"
    )
    assert deployed.status_code == 201, deployed.json()
    answers = ask(api_of("alice"), as_rows(X[:50]))
    assert [each["label"] for each in answers] == fitted.predict(X[:50]).tolist()
    shares = [list(each["probabilities"].values()) for each in answers]
    assert np.allclose(shares, fitted.predict_proba(X[:50]), atol=1e-5)
    assert AuditEvent.objects.filter(verb="model_version.import").exists()


def test_a_second_file_is_the_next_version(api_of: Api, people: SimpleNamespace) -> None:
    for number in (1, 2):
        assert send(api_of("alice"), logistic()[1]).json()["number"] == number


def test_its_page_opens(api_of: Api, browser_of: Any) -> None:
    send(api_of("alice"), logistic()[1])
    version = ModelVersion.objects.get()
    for path in (f"/models/{version.model_id}/versions/1/", f"/models/{version.model_id}/", "/models/"):
        assert browser_of("alice").get(path).status_code == 200


def converted(tmp_path: Path, content: bytes, task: str, **more: Any) -> tuple[dict[str, Any], Any]:
    """What is told of a file, and the function that it became."""
    import onnxruntime

    (tmp_path / "given.onnx").write_bytes(content)
    asked = {"inputs": None, "classes": None, "samples": None, **more}
    told = convert(source=str(tmp_path / "given.onnx"), target=str(tmp_path / "made.onnx"), task=task, **asked)
    session = onnxruntime.InferenceSession(str(tmp_path / "made.onnx"))
    return told, lambda rows: session.run(None, {"atrium_features": np.asarray(rows, np.float64)})[0]


def test_trees_of_several_classes(tmp_path: Path) -> None:
    fitted = GradientBoostingClassifier(n_estimators=10).fit(X, NUMBERS)
    told, run = converted(tmp_path, to_onnx(fitted, X[:1]).SerializeToString(), "multiclass")
    assert told["classes"] == [0, 1, 2]
    assert np.allclose(run(X), fitted.predict_proba(X), atol=1e-5)


def test_a_plain_tensor_of_probabilities(tmp_path: Path) -> None:
    fitted, content = logistic(options={"zipmap": False})
    told, run = converted(tmp_path, content, "binary")
    assert told["classes"] == ["bad", "good"] and [c["name"] for c in told["columns"]] == ["x1", "x2", "x3"]
    assert np.allclose(run(X), fitted.predict_proba(X), atol=1e-5)


def test_a_forest_of_values(tmp_path: Path) -> None:
    fitted = RandomForestRegressor(n_estimators=5).fit(X, X[:, 0] * 3)
    told, run = converted(tmp_path, to_onnx(fitted, X[:1]).SerializeToString(), "regression")
    assert told["classes"] is None and np.allclose(run(X)[:, 0], fitted.predict(X), atol=1e-4)


def test_an_input_for_each_column(tmp_path: Path) -> None:
    import pandas as pd
    from sklearn.compose import ColumnTransformer

    frame = pd.DataFrame({"age": (X[:, 0] * 10).astype(np.int64), "income": X[:, 1]})
    scaled = ColumnTransformer([("scaled", StandardScaler(), ["age"]), ("as it is", "passthrough", ["income"])])
    fitted = make_pipeline(scaled, LogisticRegression()).fit(frame, WORDS)
    kinds = [("age", Int64TensorType([None, 1])), ("income", FloatTensorType([None, 1]))]
    content = to_onnx(fitted, initial_types=kinds).SerializeToString()
    told, run = converted(tmp_path, content, "binary")
    assert [(c["name"], c["type"]) for c in told["columns"]] == [("age", "integer"), ("income", "number")]
    assert np.allclose(run(frame.to_numpy()), fitted.predict_proba(frame), atol=1e-5)


def net(
    *nodes: Any, rows: Any = "n", width: Any = 2, outputs: int = 1, kind: int = TensorProto.FLOAT, **more: Any
) -> Any:
    """A graph from x (rows, width) to y (rows, outputs)."""
    given = helper.make_tensor_value_info("x", kind, [rows, width])
    told = helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, outputs])
    graph = helper.make_graph(list(nodes), "g", [given], [told], **more)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


WEIGHT = numpy_helper.from_array(np.ones((2, 1), np.float32), "w")
PRODUCT = helper.make_node("MatMul", ["x", "w"], ["z"])


def test_a_network_with_one_probability(tmp_path: Path) -> None:
    model = net(PRODUCT, helper.make_node("Sigmoid", ["z"], ["y"]), initializer=[WEIGHT])
    told, run = converted(tmp_path, model.SerializeToString(), "binary", classes=["no", "yes"])
    assert told["classes"] == ["no", "yes"]
    shares = run([[0.0, 0.0], [3.0, 1.0]])
    assert np.allclose(shares[:, 1], 1 / (1 + np.exp([0.0, -4.0]))) and np.allclose(shares.sum(1), 1)


def looping() -> Any:
    branch = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["b"])],
        "b",
        [],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
    )
    return net(helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch))


def outside() -> Any:
    weight = numpy_helper.from_array(np.ones((2, 1), np.float32), "w")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    return net(helper.make_node("MatMul", ["x", "w"], ["y"]), initializer=[weight])


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (looping(), "operator 'If' is not run"),
        (outside(), "another file"),
        (net(helper.make_node("Fancy", ["x"], ["y"], domain="com.microsoft")), "'Fancy' is not run"),
        (net(helper.make_node("RandomNormalLike", ["x"], ["y"])), "'RandomNormalLike' is not run"),
        (net(helper.make_node("Expand", ["x", "s"], ["y"])), "'Expand' is not run"),
        (net(*[helper.make_node("Relu", ["x"], [f"r{i}"]) for i in range(20_001)]), "20,001 nodes"),
    ],
)  # fmt: skip
def test_more_than_arithmetic_is_refused(model: Any, says: str) -> None:
    with pytest.raises(Unusable, match=says):
        bounded(model)


@pytest.mark.parametrize(
    ("model", "task", "more", "says"),
    [
        (net(PRODUCT, helper.make_node("Relu", ["z"], ["y"]), initializer=[WEIGHT]), "binary", {"classes": ["a", "b"]},
         "no probabilities"),
        (net(PRODUCT, helper.make_node("Relu", ["z"], ["y"]), initializer=[WEIGHT]), "binary", {}, "name its classes"),
        (net(helper.make_node("Relu", ["x"], ["y"]), kind=TensorProto.STRING), "regression", {}, "encode texts"),
        (net(PRODUCT, helper.make_node("Relu", ["z"], ["y"]), width=None, initializer=[WEIGHT]), "regression", {},
         "how many columns"),
        (net(PRODUCT, helper.make_node("Relu", ["z"], ["y"]), initializer=[WEIGHT]), "regression",
         {"inputs": [{"name": "a"}]}, "reads 2 columns, and 1 are named"),
        (net(PRODUCT, helper.make_node("Relu", ["z"], ["y"]), initializer=[WEIGHT]), "regression",
         {"inputs": [{"name": "a"}, {"name": "a"}]}, "one name"),
        (net(PRODUCT, helper.make_node("Relu", ["z"], ["y"]), rows=1, width=3, initializer=[WEIGHT]), "regression", {},
         "cannot be run"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(tmp_path: Path, model: Any, task: str, more: Any, says: str) -> None:
    with pytest.raises(Unusable, match=says):
        converted(tmp_path, model.SerializeToString(), task, **more)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08" * 50])
def test_what_is_no_model(api_of: Api, people: SimpleNamespace, content: bytes) -> None:
    answer = send(api_of("alice"), content)
    assert answer.status_code == 422
    assert not ModelVersion.objects.exists()


def test_a_file_that_answers_otherwise_is_refused(api_of: Api, people: SimpleNamespace) -> None:
    samples = {"instances": as_rows(X[:2]), "expected": ["good", "neither"]}
    answer = send(api_of("alice"), logistic()[1], inputs=NAMES, samples=samples)
    assert (answer.status_code, answer.json()["code"]) == (422, "model_refused")
    assert answer.json()["errors"][0]["field"] == "samples" and not ModelVersion.objects.exists()


def test_the_web_process_never_opens_it(api_of: Api, people: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked goes to a child with limits, and what the child dies of is told."""

    def die(function: str, question: Any, limits: Any) -> Any:
        assert (function, limits) == ("training.importing.graph:serve", LIMITS)
        raise sandbox.SandboxFailed("memory", "")

    monkeypatch.setattr(sandbox, "ask", die)
    monkeypatch.setattr(onnx, "load_model_from_string", None)
    answer = send(api_of("alice"), logistic()[1])
    assert answer.status_code == 422 and "memory" in answer.json()["detail"]


@pytest.mark.parametrize(("person", "status"), [("bob", 403), ("charlie", 404), ("erin", 404), ("emil", 201)])
def test_who_may(api_of: Api, people: SimpleNamespace, person: str, status: int) -> None:
    assert send(api_of(person), logistic()[1]).status_code == status
