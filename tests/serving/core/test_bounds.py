"""What is taken back is refused within a second, under load; where the database is gone nothing is answered; the log has
each answer once; a swap loses no request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as live
from django.db import OperationalError, connections
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken
from departments.models import Grant, Membership
from departments.services import create_grant
from serving import prediction_log
from serving.core import doors
from serving.models import Deployment, DeploymentState, Prediction
from tests.serving.artifacts import ROW
from tests.serving.core.http import Running, post, send
from training.models import ModelVersion

Token = Callable[..., str]
BODY = orjson.dumps({"instances": [ROW]})
SLACK = 0.75  # of a busy machine, beyond the bound


class Load:
    """Callers that ask without a pause: (when the answer came, its status, its body)."""

    def __init__(self, core: Running, token: str, callers: int = 4) -> None:
        self.app, self.request, self.callers = core.app, post(BODY, token), callers
        self.answers: list[tuple[float, int, Any]] = []
        self.on = True

    async def _ask(self) -> None:
        while self.on:
            got = await send(self.app, self.request)
            self.answers.append((time.monotonic(), got.status, got.json()))
            await asyncio.sleep(0.001)

    async def around(self, change: Callable[[], Any], after: float) -> float:
        """Run for a while, `change` something, go on for `after` seconds; return when the change was committed."""
        # What is imported at the first request is no part of the bound.
        got = await send(self.app, self.request)
        self.answers.append((time.monotonic(), got.status, got.json()))
        asking = [asyncio.create_task(self._ask()) for _ in range(self.callers)]
        await asyncio.sleep(0.7)
        await sync_to_async(_alone(change))()
        changed = time.monotonic()
        await asyncio.sleep(after)
        self.on = False
        await asyncio.gather(*asking)
        return changed


def _alone(change: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        try:
            change()
        finally:
            connections.close_all()

    return run


def _revoke() -> None:
    ApiToken.objects.update(revoked_at=timezone.now())


CHANGES: dict[str, tuple[Callable[[], Any], int]] = {
    "token": (_revoke, 401),
    "role": (lambda: Membership.objects.filter(person__username="alice").delete(), 404),
    "demoted": (lambda: Membership.objects.filter(person__username="alice").update(role="viewer"), 403),
    "paused": (lambda: Deployment.objects.update(state=DeploymentState.PAUSED), 409),
    "deleted": (lambda: Deployment.objects.all().delete(), 404),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_taken_back_is_refused_within_a_second(
    core: Running, token_of: Token, deployment: Deployment, what: str
) -> None:
    change, status = CHANGES[what]
    load = Load(core, token_of("alice"))
    changed = core.do(load.around(change, doors.FRESH + 2 * SLACK))
    before = [each for at, each, _body in load.answers if at < changed - 0.2]
    late = {each for at, each, _body in load.answers if at > changed + doors.FRESH + SLACK}
    assert set(before) == {200} and len(before) > 20
    assert late == {status}


def test_a_grant_taken_back(core: Running, token_of: Token, departments: Any, deployment: Deployment) -> None:
    create_grant(obj=deployment.model_version.model, department=departments.clinic, verbs=["predict"], created_by=None)
    load = Load(core, token_of("dana"))
    changed = core.do(load.around(lambda: Grant.objects.update(revoked_at=timezone.now()), doors.FRESH + 2 * SLACK))
    assert {each for at, each, _body in load.answers if at > changed + doors.FRESH + SLACK} == {404}
    assert load.answers[0][1] == 200


def test_without_the_database_nothing_is_answered(
    core: Running, token_of: Token, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(keys: Any) -> Any:
        raise OperationalError("the server closed the connection")

    load = Load(core, token_of("alice"))
    changed = core.do(load.around(lambda: monkeypatch.setattr(doors, "verify", gone), doors.FRESH + 2 * SLACK))
    late = [(status, body["code"]) for at, status, body in load.answers if at > changed + doors.FRESH + SLACK]
    assert late and set(late) == {(503, "unavailable")}
    monkeypatch.undo()
    assert core.send(load.request).status == 200, "it comes back by itself"


def test_the_log_has_each_answer_once(core: Running, token_of: Token, deployment: Deployment) -> None:
    load = Load(core, token_of("alice"), callers=16)
    core.do(load.around(lambda: None, 0.5))
    answered = [body["request_id"] for _at, status, body in load.answers if status == 200]
    assert len(answered) == len(load.answers) > 100
    prediction_log.ship()
    stored = [str(each) for each in Prediction.objects.values_list("request_id", flat=True)]
    assert sorted(stored) == sorted(answered)


def test_a_swap_loses_no_request(
    core: Running, token_of: Token, deployment: Deployment, make_version: Callable[..., ModelVersion]
) -> None:
    fresh, old = make_version(gain=3.0, kind="mlp"), str(deployment.model_version_id)

    def repoint() -> None:
        found = Deployment.objects.get()
        found.model_version = fresh
        found.save()

    load = Load(core, token_of("alice"), callers=16)
    core.do(load.around(repoint, 1.0))
    assert {status for _at, status, _body in load.answers} == {200}
    served = [body["model_version"] for _at, _status, body in load.answers]
    assert served[0] == old and served[-1] == str(fresh.pk)


def test_a_caller_that_hangs_up_leaves_no_trace(core: Running, token_of: Token, deployment: Deployment) -> None:
    request = post(BODY, token_of("alice"))
    parts = [{"type": "http.request", "body": BODY[:9], "more_body": True}, {"type": "http.disconnect"}]
    assert core.send(request, parts).status == 0
    assert prediction_log.ship() == 0


def test_a_body_in_pieces_and_one_that_never_ends(
    core: Running, token_of: Token, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = post(BODY, token_of("alice"))
    pieces = [{"type": "http.request", "body": BODY[n : n + 7], "more_body": True} for n in range(0, len(BODY), 7)]
    end = {"type": "http.request", "body": b"", "more_body": False}
    assert core.send(request, [*pieces, end]).status == 200
    monkeypatch.setattr("serving.core.bodies.SECONDS", 0.05)
    assert core.send(request, pieces[:2]).status == 408


def test_metrics_are_for_platform_admins(
    core: Running, token_of: Token, api_of: Callable[..., APIClient], deployment: Deployment, settings: Any
) -> None:
    core.send(post(BODY, token_of("alice")))
    core.send(post(BODY, "atr_nonsense", "made-up"))
    text = api_of("erin").get("/metrics").content.decode()
    assert 'atrium_predict_requests_total{deployment="credit-scoring",status="200"}' in text
    assert "made-up" not in text
    assert (api_of("alice").get("/metrics").status_code, APIClient().get("/metrics").status_code) == (403, 401)
    settings.METRICS_OPEN = True
    assert APIClient().get("/metrics").status_code == 200


def test_it_can_be_switched_off(settings: Any) -> None:
    from atrium.asgi import PooledHandler, mounted
    from serving.core.app import PredictionCore

    assert isinstance(mounted(), PredictionCore) is live.PREDICTION_CORE
    settings.PREDICTION_CORE = False
    assert isinstance(mounted(), PooledHandler)
