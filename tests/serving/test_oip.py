"""Clients of the Open Inference Protocol are answered: Triton's own over a socket, and bodies written by hand."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from rest_framework.test import APIClient
from tritonclient.utils import InferenceServerException

from accounts.services import create_token
from serving import prediction_log
from serving.models import Deployment, DeploymentState, Prediction
from tests.serving.artifacts import ROW

NAME = "credit-scoring"
URL = f"/v2/models/{NAME}"
Api = Callable[..., APIClient]
AGES, INCOMES, CITIES = [45, 30, 61], [2500.0, float("nan"), 900.0], ["Lyon", "Nîmes", "Paris"]
ROWS = [{"age": a, "income": None if i != i else i, "city": c} for a, i, c in zip(AGES, INCOMES, CITIES, strict=True)]
TENSORS = [
    {"name": "age", "datatype": "INT64", "shape": [1], "data": [ROW["age"]]},
    {"name": "income", "datatype": "FP64", "shape": [1], "data": [ROW["income"]]},
    {"name": "city", "datatype": "BYTES", "shape": [1], "data": [ROW["city"]]},
]


def inputs(kind: Any, *, binary: bool) -> list[Any]:
    columns = {
        "age": np.array(AGES, np.int64),
        "income": np.array(INCOMES, np.float64),
        "city": np.array([city.encode() for city in CITIES], np.object_),
    }
    if not binary:  # NaN is no JSON
        columns["income"] = np.array([2500.0, 1200.0, 900.0])
    made = []
    for name, values in columns.items():
        datatype = {"age": "INT64", "income": "FP64", "city": "BYTES"}[name]
        tensor = kind.InferInput(name, [len(values), 1], datatype)
        tensor.set_data_from_numpy(values.reshape(-1, 1), binary_data=binary)
        made.append(tensor)
    return made


def native(client: APIClient, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = client.post(f"/api/v1/deployments/{NAME}/predict/", {"instances": rows}, format="json")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def same(result: Any, expected: list[dict[str, Any]]) -> None:
    labels = [label.decode() if isinstance(label, bytes) else label for label in result.as_numpy("label")]
    assert labels == [answer["label"] for answer in expected]
    shares = np.array([list(answer["probabilities"].values()) for answer in expected])
    assert np.array_equal(result.as_numpy("probabilities"), shares)


@pytest.fixture
def served(live_server: Any, deployment: Deployment, people: Any) -> tuple[str, dict[str, str]]:
    """Where the protocol is spoken, and the headers of Alice."""
    _token, secret = create_token(person=people.alice, name="triton", scopes=["predict"])
    return live_server.url.removeprefix("http://"), {"Authorization": f"Bearer {secret}"}


def test_tritons_client_is_answered(served: Any, api_of: Api) -> None:
    url, headers = served
    with triton.InferenceServerClient(url) as client:
        assert client.is_server_live() and client.is_server_ready()
        assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
        assert client.is_model_ready(NAME, headers=headers)
        described = client.get_model_metadata(NAME, "1", headers=headers)
        assert [(t["name"], t["datatype"]) for t in described["inputs"]] == [
            ("age", "INT64"), ("income", "FP64"), ("city", "BYTES")
        ]  # fmt: skip
        wanted = [triton.InferRequestedOutput(name, binary_data=True) for name in ("label", "probabilities")]
        result = client.infer(NAME, inputs(triton, binary=True), outputs=wanted, request_id="q7", headers={**headers})
        same(result, native(api_of("alice"), ROWS))
        assert result.get_response()["id"] == "q7" and result.get_response()["model_version"] == "1"
        # The client writes the length into the headers that it is given, so each call gets its own.
        plain = client.infer(NAME, inputs(triton, binary=False), model_version="1", headers={**headers})
        same(plain, native(api_of("alice"), [ROWS[0], {**ROWS[1], "income": 1200.0}, ROWS[2]]))


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_tritons_client_packs_bodies(served: Any, api_of: Api, algorithm: str) -> None:
    url, headers = served
    many = triton.InferInput("age", [2000], "INT64")
    many.set_data_from_numpy(np.arange(2000, dtype=np.int64) % 50 + 20)
    with triton.InferenceServerClient(url) as client:
        result = client.infer(
            NAME, [many], headers=headers, request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
        )  # fmt: skip
    same(result, native(api_of("alice"), [{"age": i % 50 + 20} for i in range(2000)]))


def test_tritons_client_asks_many_at_once(served: Any, api_of: Api) -> None:
    url, headers = served
    expected = native(api_of("alice"), ROWS)
    with triton.InferenceServerClient(url, concurrency=4) as client:
        begun = [client.async_infer(NAME, inputs(triton, binary=True), headers=headers) for _ in range(8)]
        for each in begun:
            same(each.get_result(timeout=20), expected)


def test_tritons_client_of_asyncio(served: Any, api_of: Api) -> None:
    url, headers = served

    async def ask() -> Any:
        async with triton_aio.InferenceServerClient(url) as client:
            await client.get_model_metadata(NAME, headers=headers)
            return await client.infer(NAME, inputs(triton_aio, binary=True), headers=headers)

    same(asyncio.run(ask()), native(api_of("alice"), ROWS))


def test_tritons_client_is_told_what_is_wrong(served: Any) -> None:
    url, headers = served
    with triton.InferenceServerClient(url) as client:
        wrong = triton.InferInput("income", [1], "FP64")
        wrong.set_data_from_numpy(np.array([1.0]))
        with pytest.raises(InferenceServerException, match=r"instances\[0\].age: this column needs a value") as told:
            client.infer(NAME, [wrong], headers=headers)
        assert told.value.status() == "400"
        with pytest.raises(InferenceServerException):
            client.infer(NAME, [wrong])
        assert not client.is_model_ready("no-such-name", headers=headers)


def ask(client: APIClient, body: bytes | None = None, url: str = f"{URL}/infer", **headers: str) -> Any:
    body = orjson.dumps({"inputs": TENSORS}) if body is None else body
    extra = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return client.post(url, body, content_type="application/octet-stream", **extra)


def test_it_answers_as_the_native_endpoint(api_of: Api, deployment: Deployment) -> None:
    answer = ask(api_of("alice")).json()
    assert answer["outputs"][0]["data"] == [native(api_of("alice"), [ROW])[0]["label"]]
    assert answer["parameters"]["model_version"] == str(deployment.model_version_id)


def test_what_was_asked_is_logged(api_of: Api, deployment: Deployment) -> None:
    request_id = ask(api_of("alice")).json()["parameters"]["request_id"]
    prediction_log.ship()
    row = Prediction.objects.get(request_id=request_id)
    assert (row.instances, row.rows, row.rule) == ([ROW], 1, "role-analyst")


@pytest.mark.parametrize(
    ("person", "status"), [("alice", 200), ("bob", 403), ("charlie", 404), ("erin", 403), ("mallory", 404)]
)
def test_who_may_ask(api_of: Api, deployment: Deployment, person: str, status: int) -> None:
    answer = ask(api_of(person))
    assert answer.status_code == status
    assert status == 200 or (list(answer.json()) == ["error"] and answer.json()["error"])


def test_a_stranger_cannot_tell_hidden_from_missing(api_of: Api, deployment: Deployment) -> None:
    hidden, missing = (ask(api_of("charlie"), url=f"/v2/models/{n}/infer") for n in (NAME, "none"))
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)


def test_without_a_token_it_is_401(deployment: Deployment) -> None:
    answer = ask(APIClient())
    assert answer.status_code == 401 and "Bearer" in answer["WWW-Authenticate"] and answer.json()["error"]


def test_another_version_is_not_what_answers(api_of: Api, deployment: Deployment) -> None:
    for number, words in (("2", "answers with version 1"), ("x", "nothing here")):
        answer = ask(api_of("alice"), url=f"{URL}/versions/{number}/infer")
        assert answer.status_code == 404 and words in answer.json()["error"]


def test_a_paused_deployment_is_not_ready(api_of: Api, deployment: Deployment) -> None:
    assert api_of("bob").get(f"{URL}/ready").json() == {"name": NAME, "ready": True}
    Deployment.objects.update(state=DeploymentState.PAUSED)
    for answer in (api_of("bob").get(f"{URL}/ready"), ask(api_of("alice"))):
        assert answer.status_code == 409 and "paused" in answer.json()["error"]


def test_unknown_paths_and_methods_are_told_in_the_protocols_words(api_of: Api, deployment: Deployment) -> None:
    for answer in (api_of("alice").get("/v2/repository/index"), api_of("alice").get(f"{URL}/infer")):
        assert answer.status_code in (404, 405) and list(answer.json()) == ["error"]


def test_packed_bodies(api_of: Api, deployment: Deployment) -> None:
    body = orjson.dumps({"inputs": TENSORS})
    for encoding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        assert ask(api_of("alice"), pack(body), content_encoding=encoding).status_code == 200
    bomb = gzip.compress(bytes(40 << 20))
    assert ask(api_of("alice"), bomb, content_encoding="gzip").status_code == 413
    assert ask(api_of("alice"), b" " * (17 << 20)).status_code == 413


def test_a_stale_length_is_answered_and_never_waited_for(served: Any) -> None:
    """The header says more than the body holds; the body's own length is right, and that is all that is read."""
    url, headers = served
    host, port = url.split(":")
    body = orjson.dumps({"inputs": TENSORS})
    head = (
        f"POST {URL}/infer HTTP/1.1\r\nHost: {url}\r\nAuthorization: {headers['Authorization']}\r\n"
        f"Content-Length: {len(body)}\r\nInference-Header-Content-Length: {len(body) + 100}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(head.encode() + body)
        answer = line.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400") and b"Inference-Header-Content-Length" in answer


def test_binary_answers_say_where_their_json_ends(api_of: Api, deployment: Deployment) -> None:
    body = orjson.dumps({"inputs": TENSORS, "parameters": {"binary_data_output": True}})
    answer = ask(api_of("alice"), body)
    length = int(answer["Inference-Header-Content-Length"])
    head = orjson.loads(answer.content[:length])
    size = head["outputs"][1]["parameters"]["binary_data_size"]
    shares = struct.unpack("<2d", answer.content[-size:])
    assert list(shares) == list(native(api_of("alice"), [ROW])[0]["probabilities"].values())
