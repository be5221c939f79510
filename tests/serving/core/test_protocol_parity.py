"""The core and the plain view answer the Open Inference Protocol alike: status, headers and body, in JSON and binary."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest

from departments.quotas.models import Quota
from serving import prediction_log
from serving.models import Deployment, DeploymentState, Prediction
from serving.runtime import oip
from serving.runtime.tally import REFUSALS
from tests.serving.artifacts import ROW
from tests.serving.core.http import Got, Running, post
from training.models import ModelVersion

Token = Callable[..., str]
VARYING = {"x-request-id", "content-length", "date", "retry-after"}
HEADER = oip.HEADER.lower()
DATATYPES = {"age": "INT64", "income": "FP64", "city": "BYTES"}
HEAD = {"content-type": "application/octet-stream"}


def infer(body: bytes, token: str | None, name: str = "credit-scoring", **changes: Any) -> dict[str, Any]:
    """A request of the protocol; `version` stands in its path."""
    version = changes.pop("version", "")
    path = f"/v2/models/{name}{f'/versions/{version}' if version else ''}/infer"
    headers = HEAD | changes.pop("headers", {})
    return post(body, token, headers=headers, **{"path": path, **changes})


def tensors(*rows: dict[str, Any], **members: Any) -> bytes:
    """Rows as tensors in JSON."""
    named = [
        {"name": name, "datatype": DATATYPES.get(name, "INT64"), "shape": [len(rows)], "data": [row[name] for row in rows]}
        for name in rows[0]
    ]  # fmt: skip
    return orjson.dumps({"inputs": named, **members})


def binary(columns: dict[str, np.ndarray], **members: Any) -> tuple[bytes, dict[str, str]]:
    """Columns of numbers as binary tensors: the body, and the header that it needs."""
    kinds = {"f2": "FP16", "f4": "FP32", "f8": "FP64", "i8": "INT64", "i4": "INT32", "u8": "UINT64", "b1": "BOOL"}
    named = [
        {
            "name": name, "datatype": kinds[values.dtype.str[1:]], "shape": list(values.shape),
            "parameters": {"binary_data_size": values.nbytes},
        }
        for name, values in columns.items()
    ]  # fmt: skip
    head = orjson.dumps({"inputs": named, **members})
    return head + b"".join(values.tobytes() for values in columns.values()), {HEADER: str(len(head))}


def told(got: Got) -> Any:
    """Status, headers and body, without what differs between any two answers."""
    body = got.body
    if got.headers.get("content-encoding"):
        body = gzip.decompress(body) if got.headers["content-encoding"] == "gzip" else zlib.decompress(body)
    length = int(got.headers.get(HEADER, len(body)))
    head = orjson.loads(body[:length])
    head.get("parameters", {}).pop("request_id", None)
    return got.status, {key: value for key, value in got.headers.items() if key not in VARYING}, head, body[length:]


def compare(core: Running, request: dict[str, Any], *, by_core: bool = True) -> Got:
    """Send to both; `by_core` says that it must be the core that answers, and not Django behind it."""
    core.passed.clear()
    mine, theirs = core.send(request), core.reference(request)
    assert told(mine) == told(theirs)
    assert bool(core.passed) is not by_core
    return mine


AGES = np.arange(3000) % 50 + 20
OUTPUTS = [{"name": "label"}, {"name": "probabilities", "parameters": {"binary_data": True}}]
BODIES = [
    (200, tensors(ROW)),
    (200, tensors(ROW, id="q7", parameters={"key": "customer-7", "other": 1})),
    (200, tensors(ROW, outputs=OUTPUTS)),
    (200, tensors(ROW, parameters={"binary_data_output": True})),
    (200, tensors(*[{**ROW, "age": 20 + n % 50} for n in range(5000)])),
    (400, tensors(*[{"age": 20}] * 10_001)),
    (400, tensors(ROW, outputs=[{"name": "nothing"}])),
    (400, tensors(ROW, id=7)),
    (422, tensors(ROW, parameters={"explain": "yes"})),
    (400, tensors({"age": "41"})),
    (400, tensors({"age": None}, {"age": 1})),
    (400, tensors({**ROW, "colour": 1})),
    (400, tensors({"income": 3.0})),
    (400, b""), (400, b"{"), (400, b"[]"), (400, b"null"), (400, b"{}"), (400, b"\xff\xfe"), (400, b"[" * 100_000),
    (400, b'{"inputs": [{"name": "\\u0000"}]}'),
]  # fmt: skip


def test_every_body_is_answered_alike(core: Running, token_of: Token, deployment: Deployment) -> None:
    token = token_of("alice")
    for status, body in BODIES:
        # Values are refused with 422 natively, and with 400 in the protocol.
        assert compare(core, infer(body, token)).status == min(status, 400), body[:100]


def test_binary_tensors(core: Running, token_of: Token, deployment: Deployment) -> None:
    token = token_of("alice")
    incomes = np.where(AGES % 7, AGES * 100.5, np.nan)
    for columns in (
        {"age": AGES}, {"age": AGES.astype("<f4"), "income": incomes}, {"age": AGES[:1].astype("<i4")},
        {"age": AGES.astype("<u8").reshape(-1, 1), "income": incomes.astype("<f2")},
    ):  # fmt: skip
        body, length = binary(columns)
        assert compare(core, infer(body, token, headers=length)).status == 200
    for columns in (
        {"age": AGES + 0.5}, {"age": np.array([1.0, np.inf])}, {"income": incomes}, {"age": AGES > 30},
        {"age": AGES, "income": np.array([np.nan] * 2999 + [np.inf])}, {"age": AGES.astype("<u8") + 2**63},
        {"age": AGES, "income": incomes[:5]}, {"age": AGES, "nothing": AGES}, {"age": AGES[:0]},
        {"age": AGES[:4].reshape(2, 2)}, {"age": np.where(AGES % 3, 40.0, np.nan)},
    ):  # fmt: skip
        body, length = binary(columns)
        assert compare(core, infer(body, token, headers=length)).status == 400, columns
    body, length = binary({"age": AGES})
    for wrong in ("x", "-1", "0", str(len(body) + 1), "9" * 40, str(int(length[HEADER]) - 1)):
        assert compare(core, infer(body, token, headers={HEADER: wrong})).status == 400
    assert compare(core, infer(body + b"more", token, headers=length)).status == 400
    assert compare(core, infer(body[:-1], token, headers=length)).status == 400


def test_binary_answers_are_the_native_ones(core: Running, token_of: Token, deployment: Deployment) -> None:
    token = token_of("alice")
    body, length = binary({"age": AGES[:400]}, parameters={"binary_data_output": True})
    got = compare(core, infer(body, token, headers=length))
    head = orjson.loads(got.body[: int(got.headers[HEADER])])
    shares = struct.unpack("<800d", got.body[-head["outputs"][1]["parameters"]["binary_data_size"] :])
    rows = orjson.dumps({"instances": [{"age": age} for age in AGES[:400].tolist()]})
    native = core.send(post(rows, token)).json()["predictions"]
    assert list(shares) == [share for answer in native for share in answer["probabilities"].values()]


def test_every_kind_of_model(core: Running, token_of: Token, make_version: Callable[..., ModelVersion]) -> None:
    token = token_of("alice")
    for kind in ("linear", "mlp"):
        for task in ("regression", "binary", "multiclass"):
            version = make_version(task=task, kind=kind)
            Deployment.objects.create(name=f"{kind}-{task}", department=version.department, model_version=version)
            for members in ({}, {"parameters": {"binary_data_output": True}}):
                assert compare(core, infer(tensors(ROW, **members), token, f"{kind}-{task}")).status == 200


@pytest.mark.parametrize(
    ("person", "status"),
    [("alice", 200), ("emil", 200), ("bob", 403), ("charlie", 404), ("mallory", 404), ("erin", 403)],
)
def test_every_person(core: Running, token_of: Token, deployment: Deployment, person: str, status: int) -> None:
    assert compare(core, infer(tensors(ROW), token_of(person))).status == status
    assert compare(core, infer(b"no json", token_of(person), "no-such-name")).status == 404


def test_tokens_and_versions(core: Running, token_of: Token, deployment: Deployment) -> None:
    token, body = token_of("alice"), tensors(ROW)
    assert compare(core, infer(body, token_of("alice", ("read",)))).status == 403
    got = compare(core, infer(body, "atr_nonsense"))
    assert (got.status, got.headers["www-authenticate"]) == (401, 'Bearer realm="atrium"')
    assert compare(core, infer(body, token, version="1")).status == 200
    assert "answers with version 1" in compare(core, infer(body, token, version="2")).json()["error"]
    assert compare(core, infer(body, token, version="latest")).status == 404


def test_what_django_answers_goes_on_to_it(core: Running, token_of: Token, deployment: Deployment) -> None:
    token = token_of("alice")
    for changes in (
        {"method": "GET"}, {"path": "/v2/models/credit-scoring/infer/"}, {"path": "/v2/models/a.b/infer"},
        {"headers": {"authorization": None}}, {"path": "/v2/models/credit-scoring/versions/1", "method": "GET"},
    ):  # fmt: skip
        compare(core, infer(tensors(ROW), token, **changes), by_core=False)


def test_packed_bodies_and_answers(core: Running, token_of: Token, deployment: Deployment) -> None:
    token, body = token_of("alice"), tensors(*[ROW] * 300)
    for encoding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)):
        headers = {"content-encoding": encoding, "accept-encoding": encoding.lower()}
        got = compare(core, infer(pack(body), token, headers=headers))
        assert (got.status, got.headers["content-encoding"]) == (200, encoding.lower())
        assert "Accept-Encoding" in got.headers["vary"]
    bomb = gzip.compress(bytes(40 << 20))
    for status, packed, encoding in (
        (413, bomb, "gzip"), (400, body, "gzip"), (400, gzip.compress(body)[:-9], "gzip"), (415, body, "br"),
        (413, b" " * (17 << 20), "identity"), (200, body, "identity"),
    ):  # fmt: skip
        assert compare(core, infer(packed, token, headers={"content-encoding": encoding})).status == status


def test_a_used_up_quota(core: Running, token_of: Token, deployment: Deployment) -> None:
    Quota.objects.create(department=deployment.department, predictions=3)
    got = compare(core, infer(tensors(*[ROW] * 4), token_of("alice")))
    assert got.status == 403 and "predictions" in got.json()["error"]


def test_a_paused_deployment(core: Running, token_of: Token, deployment: Deployment) -> None:
    token = token_of("alice")
    Deployment.objects.update(state=DeploymentState.PAUSED)
    for body in (tensors(ROW), b"no json"):
        got = compare(core, infer(body, token))
        assert got.status == 409 and "paused" in got.json()["error"]


def test_too_many_requests(core: Running, token_of: Token, deployment: Deployment, settings: Any) -> None:
    token = token_of("alice")
    settings.PREDICTION_RATE_LIMIT = 3
    assert [core.send(infer(tensors(ROW), token)).status for _ in range(4)][-1] == 429
    got = compare(core, infer(tensors(ROW), token))
    assert got.status == 429 and 0 < int(got.headers["retry-after"]) <= 60


def test_the_log_holds_the_same(core: Running, token_of: Token, deployment: Deployment) -> None:
    """Of each request to each of the two: what was asked, what was answered, and by which rule; refusals are counted."""
    token = token_of("alice")
    incomes = np.where(AGES[:400] % 7, AGES[:400] / 3, np.nan)
    requests = [infer(tensors(ROW), token)]
    for columns in (
        {"age": AGES[:400].astype("<f4"), "income": incomes.astype("<f4")}, {"income": incomes[:1], "age": AGES[:1]},
    ):  # fmt: skip
        body, length = binary(columns)
        requests.append(infer(body, token, headers=length))
    for request in requests:
        assert core.send(request).status == core.reference(request).status == 200
        prediction_log.ship()
        mine, theirs = Prediction.objects.order_by("-created_at")[:2]
        assert mine.request_id != theirs.request_id
        assert (mine.instances, mine.answers, mine.rows, mine.rule) == (
            theirs.instances, theirs.answers, theirs.rows, theirs.rule,
        )  # fmt: skip
    REFUSALS.drain(all=True)
    compare(core, infer(b"no json", token))
    lines = [orjson.loads(line) for line in REFUSALS.drain(all=True)]
    assert sum(line["calls"] for line in lines if line["status"] == 400) == 2, "the core's and the view's"
