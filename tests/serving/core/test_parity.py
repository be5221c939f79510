"""The core and the plain view answer alike: the same requests to both, good and bad, status and body compared."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from django.conf import settings as live
from django.utils import timezone

from accounts.models import ApiToken
from departments.models import Membership
from departments.quotas.models import Quota
from departments.services import create_grant
from serving.models import Deployment, DeploymentState
from tests.serving.artifacts import ROW
from tests.serving.core.http import Got, Running, post
from training.models import Background, ModelVersion

Token = Callable[..., str]
VARYING = {"x-request-id", "content-length", "date", "retry-after"}


def instances(*rows: Any, **members: Any) -> bytes:
    return orjson.dumps({"instances": list(rows), **members})


def told(got: Got) -> Any:
    """Status, headers and body, without what differs between any two answers."""
    try:
        body = orjson.loads(got.body)
        body.pop("request_id", None)
    except orjson.JSONDecodeError:
        body = got.body
    return got.status, {key: value for key, value in got.headers.items() if key not in VARYING}, body


def compare(core: Running, request: dict[str, Any], *, by_core: bool = True) -> Got:
    """Send to both; `by_core` says that it must be the core that answers, and not Django behind it."""
    core.passed.clear()
    mine, theirs = core.send(request), core.reference(request)
    assert told(mine) == told(theirs)
    assert bool(core.passed) is not by_core
    return mine


BODIES = [
    (200, instances(ROW)),
    (200, instances(ROW, {"age": 30}, {**ROW, "city": None})),
    (200, instances({**ROW, "city": "Ünïçødé 🏠\u2028 上海"})),
    (200, instances(*[{**ROW, "age": 20 + n % 50} for n in range(300)])),
    (200, instances(*[{**ROW, "age": 20 + n % 50} for n in range(10_000)])),
    (422, instances(*[ROW] * 10_001)),
    (422, instances()),
    (422, instances({**ROW, "age": "41"}, {**ROW, "colour": 1}, {"income": 3})),
    (422, instances(7, None, [])),
    (422, instances(*[{}] * 100)),
    (422, b'{"instances": [{"age": 1180591620717411303424}]}'),
    (200, instances({**ROW, "income": 1e308})),
    (422, b'{"instances": [{"age": 1, "income": NaN}]}'),
    (422, b'{"instances": [{"age": 1, "income": -Infinity}]}'),
    (400, b'{"instances": [{"age": 1e999}]}'),
    (422, b'{"instances": [{"age": 1, "city": "\\u0000"}]}'),
    (200, b'{"instances": [{"age": 1, "age": 42}]}'),
    (422, b'{"instances": {"age": 1}}'),
    (422, b"null"), (422, b"[]"), (400, b""), (400, b"{"), (400, b"\xff\xfe"), (400, b"[" * 100_000),
    (422, b'{"instances": [' + b"[" * 500 + b"]" * 500 + b"]}"),
    (400, b'{"instances": ' + b"[NaN" * 2000),
    (422, instances(ROW, colour="red")),
    (422, instances(ROW, explain="yes")),
    (422, instances(ROW, interval=2)),
    (422, instances(ROW, key="")),
    (200, instances(ROW, key="customer-7", explain=False)),
]  # fmt: skip


def test_every_body_is_answered_alike(core: Running, token_of: Token, deployment: Deployment) -> None:
    token = token_of("alice")
    for status, body in BODIES:
        got = compare(core, post(body, token))
        if status == 200 and b"1e308" in body.replace(b"+", b""):
            assert got.status in (200, 422)
        else:
            assert got.status == status, (body[:100], got.body[:300])


def test_members_for_explanations_and_intervals(core: Running, token_of: Token, deployment: Deployment) -> None:
    token = token_of("alice")
    for body in (
        instances(ROW, explain=True),
        instances(ROW, interval=0.9),
        instances(ROW, ROW, explain=True, key="k"),
    ):
        compare(core, post(body, token))


def test_reasons_may_read_the_database(
    core: Running, token_of: Token, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a version that was trained here: the rows to compare with are looked up at every question."""
    monkeypatch.setattr("serving.explaining.explainers.background_of", lambda _version: Background.objects.first())
    assert compare(core, post(instances(ROW, explain=True), token_of("alice"))).status == 200


def test_every_kind_of_model(core: Running, token_of: Token, make_version: Callable[..., ModelVersion]) -> None:
    token = token_of("alice")
    for kind in ("linear", "mlp"):
        for task in ("regression", "binary", "multiclass"):
            version = make_version(task=task, kind=kind)
            Deployment.objects.create(name=f"{kind}-{task}", department=version.department, model_version=version)
            got = compare(core, post(instances(ROW, {"age": 20}), token, f"{kind}-{task}"))
            assert got.status == 200


@pytest.mark.parametrize(
    ("person", "status"),
    [("alice", 200), ("emil", 200), ("mona", 200), ("bob", 403), ("charlie", 404), ("mallory", 404), ("erin", 403)],
)
def test_every_person(core: Running, token_of: Token, deployment: Deployment, person: str, status: int) -> None:
    assert compare(core, post(instances(ROW), token_of(person))).status == status
    assert compare(core, post(b"no json", token_of(person), "no-such-name")).status == 404


def test_every_kind_of_token(core: Running, token_of: Token, people: Any, deployment: Deployment) -> None:
    body = instances(ROW)
    assert compare(core, post(body, token_of("alice", ("read",)))).status == 403
    assert compare(core, post(body, token_of("alice", ("write",)))).status == 200
    clinic = create_grant(
        obj=deployment.model_version.model,
        department=people.dana.memberships.get().department,
        verbs=["predict"],
        created_by=None,
    )
    assert compare(core, post(body, token_of("dana"))).status == 200
    clinic.delete()
    expired = token_of("alice")
    ApiToken.objects.order_by("-created_at")[:1].get()
    ApiToken.objects.filter(pk=ApiToken.objects.latest("created_at").pk).update(expires_at=timezone.now())
    for wrong in ("atr_nonsense", "", "two parts", "ünïcode", expired):
        got = compare(core, post(body, wrong.encode().decode("latin-1")))
        assert (got.status, got.headers["www-authenticate"]) == (401, 'Bearer realm="atrium"')


def test_what_django_answers_goes_on_to_it(core: Running, token_of: Token, deployment: Deployment) -> None:
    body, token = instances(ROW), token_of("alice")
    for changes in (
        {"method": "GET"}, {"method": "DELETE"}, {"method": "OPTIONS"}, {"headers": {"authorization": None}},
        {"headers": {"authorization": "Basic YTpi"}}, {"headers": {"host": "elsewhere.example"}},
        {"headers": {"accept-language": "zh-hans"}}, {"path": "/api/v1/deployments/credit-scoring/"},
        {"path": "/api/v1/deployments/a/b/predict/"}, {"path": "/livez", "method": "GET"},
    ):  # fmt: skip
        compare(core, post(b"" if changes.get("method") else body, token, **changes), by_core=False)
    chinese = post(instances({"age": "x"}), token, headers={"accept-language": "zh-hans,en;q=0.5"})
    assert "content-language" in compare(core, chinese, by_core=False).headers
    assert compare(core, post(body, token, headers={"accept-language": "en-GB,en;q=0.9"})).status == 200


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json; charset=utf-8", 200), ("Application/JSON", 200), ("text/plain", 415), (None, 415),
        ("application/x-www-form-urlencoded", 415), ("multipart/form-data", 415), ("json", 415),
    ],
)  # fmt: skip
def test_content_types(core: Running, token_of: Token, deployment: Deployment, kind: str | None, status: int) -> None:
    request = post(instances(ROW), token_of("alice"), headers={"content-type": kind})
    assert compare(core, request).status == status


def test_packed_bodies(core: Running, token_of: Token, deployment: Deployment) -> None:
    token, body = token_of("alice"), instances(ROW)
    bomb = gzip.compress(bytes(40 << 20))
    for status, packed, encoding in (
        (200, gzip.compress(body), "gzip"), (200, zlib.compress(body), "deflate"), (200, body, "identity"),
        (413, bomb, "gzip"), (400, body, "gzip"), (400, gzip.compress(body)[:-9], "gzip"), (415, body, "br"),
        (415, gzip.compress(gzip.compress(body)), "gzip, gzip"),
    ):  # fmt: skip
        got = compare(core, post(packed, token, headers={"content-encoding": encoding}))
        assert got.status == status
    assert got.json()["code"] == "unsupported_encoding" and "gzip and deflate are read" in got.json()["detail"]


def test_a_body_too_large(core: Running, token_of: Token, deployment: Deployment) -> None:
    body = b'{"instances": [' + b" " * (16 * 2**20) + b"]}"
    request = post(body, token_of("alice"))
    assert compare(core, request).status == 413
    parts = [{"type": "http.request", "body": body[: 2**20], "more_body": True}] * 17
    unannounced = post(b"", token_of("alice"), headers={"content-length": None, "transfer-encoding": "chunked"})
    assert core.send(unannounced, parts).status == 413


def test_closed_deployments(core: Running, token_of: Token, deployment: Deployment) -> None:
    token, version = token_of("alice"), deployment.model_version
    Deployment.objects.update(state=DeploymentState.PAUSED)
    assert compare(core, post(instances(ROW), token)).json()["code"] == "paused"
    assert compare(core, post(b"no json", token)).status == 409
    Deployment.objects.update(state=DeploymentState.ACTIVE)
    entry = {"grant": "g", "owner": "Clinic", "at": "2026-01-01T00:00:00+00:00", "choice": "keep", "until": None}
    ModelVersion.objects.filter(pk=version.pk).update(revocations=[entry])
    core.do(_later())
    got = compare(core, post(instances(ROW), token))
    assert (got.status, got.json()["data_revoked"]["owner"]) == (200, "Clinic")
    ModelVersion.objects.filter(pk=version.pk).update(revocations=[{**entry, "choice": "freeze"}])
    core.do(_later())
    assert compare(core, post(instances(ROW), token)).json()["code"] == "data-revoked"


async def _later() -> None:
    """Longer than anything is remembered."""
    import asyncio

    await asyncio.sleep(1.1)


def test_a_tampered_artifact(core: Running, token_of: Token, deployment: Deployment) -> None:
    folder = Path(live.HOME) / "files" / deployment.model_version.storage_key
    (folder / "weights.safetensors").write_bytes(b"\x00" * 64)
    got = compare(core, post(instances(ROW), token_of("alice")))
    assert (got.status, got.json()["code"]) == (409, "artifact_changed")


def test_a_used_up_quota(core: Running, token_of: Token, deployment: Deployment) -> None:
    Quota.objects.create(department=deployment.department, predictions=3)
    token = token_of("alice")
    assert core.send(post(instances(ROW), token)).status == 200
    got = compare(core, post(instances(*[ROW] * 4), token))
    assert (got.status, got.json()["code"]) == (403, "quota-predictions")


def test_too_many_requests(core: Running, token_of: Token, deployment: Deployment, settings: Any) -> None:
    settings.PREDICTION_RATE_LIMIT = 3
    token = token_of("alice")
    assert [core.send(post(instances(ROW), token)).status for _ in range(4)][-1] == 429
    got = compare(core, post(instances(ROW), token))
    assert (got.status, got.json()["code"]) == (429, "throttled")
    assert 0 < int(got.headers["retry-after"]) <= 60
    assert core.send(post(instances(ROW), token_of("emil"))).status == 200, "each person has their own"


def test_a_full_disk(core: Running, token_of: Token, deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of("alice")
    compare(core, post(instances(ROW), token))

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("serving.runtime.spool.os.write", full)
        assert core.send(post(instances(ROW), token)).json()["code"] == "log_unavailable"
    assert compare(core, post(instances(ROW), token)).status == 200


def test_the_request_id_is_the_callers_own(core: Running, token_of: Token, deployment: Deployment) -> None:
    own = "5f3e1f6e-7f0a-4a53-9a63-6a8a3f0e4a11"
    token = token_of("alice")
    got = core.send(post(instances(ROW), token, headers={"x-request-id": own}))
    assert got.headers["x-request-id"] == own
    assert got.json()["request_id"] != own, "two requests with one id are two entries of the log"
    assert core.send(post(instances(ROW), token)).headers["x-request-id"] != own
    assert core.send(post(instances(ROW), token, headers={"x-request-id": "drop table"})).headers["x-request-id"] != (
        "drop table"
    )


def test_an_ended_membership(core: Running, token_of: Token, people: Any, deployment: Deployment) -> None:
    token = token_of("alice")
    assert compare(core, post(instances(ROW), token)).status == 200
    Membership.objects.filter(person=people.alice).delete()
    core.do(_later())
    assert compare(core, post(instances(ROW), token)).status == 404


def test_a_grant_that_ends_by_the_clock(
    core: Running, token_of: Token, departments: SimpleNamespace, deployment: Deployment
) -> None:
    ends = timezone.now() + timedelta(seconds=1.5)
    model = deployment.model_version.model
    create_grant(obj=model, department=departments.clinic, verbs=["predict"], created_by=None, expires_at=ends)
    token = token_of("dana")
    assert compare(core, post(instances(ROW), token)).status == 200
    core.do(_later())
    core.do(_later())
    assert compare(core, post(instances(ROW), token)).status == 404
