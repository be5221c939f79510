"""The OpenAPI document is valid and complete, and nothing made from it gets a 5xx (E2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate

from accounts.services import create_token
from tests.test_access_matrix import own_folders, routes, world  # noqa: F401
from tests.world import World

EXAMPLES = 20
# A stream has no end that a fuzzer could wait for; its tests are in tests/training.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
STREAMS = {"/api/v1/runs/{id}/events/"}


@pytest.fixture(scope="module")
def document(world: World) -> Any:  # noqa: F811
    return Client().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()


@pytest.mark.django_db
def test_document_is_valid(document: Any) -> None:
    validate(document)


@pytest.mark.django_db
def test_document_is_complete(document: Any) -> None:
    """Every API route of the URLconf stands in it."""
    import re

    from django.urls import get_resolver

    spelled = {re.sub(r"{\w+}", "{}", path) for path in document["paths"]}
    missing = []
    for route, _callback in routes(get_resolver().url_patterns):
        path = "/" + re.sub(r"<[^>]+>", "{}", route)
        if path.startswith("/api/v1/") and path not in spelled and not path.endswith(("schema/", "docs/", "/v1/{}")):
            missing.append(path)
    assert not missing


@pytest.fixture(scope="module")
def secret(world: World, django_db_blocker: Any) -> Iterator[str]:  # noqa: F811
    with django_db_blocker.unblock():
        yield create_token(person=world.people.mona, name="fuzz", scopes=["read", "write"])[1]


@pytest.fixture
def open_connection() -> Iterator[None]:
    """Requests in the test's own thread must leave its transaction's connection open, as Django's test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.timeout(600)
def test_no_operation_answers_5xx(document: Any, secret: str, world: World, open_connection: None) -> None:  # noqa: F811
    """Requests made from the document, valid and not, are answered or refused, never failed."""
    schema = schemathesis.openapi.from_dict(document)
    fuzz = Fuzz(secret, world)
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path not in STREAMS:
            examples = settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            examples(given(case=operation.as_strategy())(fuzz.ask))()
    assert not fuzz.broken, "\n".join(fuzz.broken[:10])
    assert fuzz.reached[2] > 100, f"hardly any request was understood: {fuzz.reached}"


class Fuzz:
    """Sends cases as Mona and counts what came back. Three in four get ids that exist, to get past the 404."""

    def __init__(self, secret: str, world: World) -> None:  # noqa: F811
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.world = world
        self.application = get_wsgi_application()
        self.asked = 0
        self.reached = Counter[int]()
        self.broken: list[str] = []

    def ask(self, case: Any) -> None:
        self.asked += 1
        if self.asked % 4:
            case.path_parameters = {**(case.path_parameters or {}), **real_ids(case.operation.path, self.world)}
        with transaction.atomic():
            answer = case.call(app=self.application, headers=self.headers)
            transaction.set_rollback(True)
        self.reached[answer.status_code // 100] += 1
        if answer.status_code >= 500:
            self.broken.append(f"{answer.status_code} {case.as_curl_command()[:500]}")


def real_ids(path: str, world: World) -> dict[str, Any]:  # noqa: F811
    """Path parameters that exist, so that a request gets past the 404."""
    kind = path.removeprefix("/api/v1/").split("/")[0]
    owner: dict[str, Any] = {
        "datasets": {"id": world.dataset.pk, "number": 1},
        "recipes": {"id": world.recipe.pk},
        "uploads": {"id": world.upload.pk},
        "runs": {"id": world.waiting.pk},
        "studies": {"id": world.study.pk},
        "models": {"id": world.model.pk, "model_id": world.model.pk, "number": 1},
        "deployments": {"name": world.deployment.name},
        "jobs": {"id": world.waiting_job.pk},
        "grants": {"id": world.grant.pk},
        "departments": {"slug": "credit-risk", "username": "bob"},
        "audit": {"id": world.event.pk},
    }.get(kind, {})
    return {name: str(value) for name, value in owner.items() if f"{{{name}}}" in path}
