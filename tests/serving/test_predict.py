"""A deployed model answers over REST: who may ask, what is refused and where, how much it costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from departments.ending import revoke_grant
from departments.services import create_grant
from serving.models import Deployment, DeploymentState
from tests.serving.artifacts import ROW
from training.models import ModelVersion

URL = "/api/v1/deployments/credit-scoring/predict/"
Api = Callable[..., APIClient]


def ask(client: Any, instances: Any, url: str = URL) -> Any:
    return client.post(url, orjson.dumps({"instances": instances}), content_type="application/json")


def test_it_works(api_of: Api, deployment: Deployment) -> None:
    response = ask(api_of("alice"), [ROW, {"age": 30}])
    assert response.status_code == 200, response.content
    body = response.json()
    assert set(body) == {"predictions", "model_version", "policy_version", "data_version", "request_id"}
    assert (body["model_version"], body["policy_version"]) == (str(deployment.model_version_id), None)
    assert [set(p) for p in body["predictions"]] == [{"label", "probabilities"}] * 2
    assert set(body["predictions"][0]["probabilities"]) == {"bad", "good"}


def test_a_regression_answers_values(api_of: Api, make_version: Callable[..., ModelVersion]) -> None:
    version = make_version(task="regression", kind="mlp")
    Deployment.objects.create(name="credit-scoring", department=version.department, model_version=version)
    [answer] = ask(api_of("alice"), [ROW]).json()["predictions"]
    assert list(answer) == ["value"]


def test_a_thousand_rows_in_one_call(api_of: Api, deployment: Deployment) -> None:
    rows = [{**ROW, "age": 20 + i % 50} for i in range(1000)]
    answers = ask(api_of("alice"), rows).json()["predictions"]
    assert len(answers) == 1000
    assert answers[7] == ask(api_of("alice"), [rows[7]]).json()["predictions"][0]


@pytest.mark.parametrize(
    ("instances", "field"),
    [
        ([ROW, {"income": 1.0}], "instances[1].age"),
        ([{**ROW, "age": None}], "instances[0].age"),
        ([ROW, ROW, {**ROW, "colour": "red"}], "instances[2].colour"),
        ([{**ROW, "age": "45"}], "instances[0].age"),
        ([{**ROW, "income": True}], "instances[0].income"),
        ([{**ROW, "city": 7}], "instances[0].city"),
        ([{**ROW, "age": 44.5}], "instances[0].age"),
        ([7], "instances[0]"),
        ([], "instances"),
        ([ROW] * 10_001, "instances"),
        ({"age": 45}, "instances"),
        ("rows", "instances"),
    ],
)
def test_bad_input_names_its_field(api_of: Api, deployment: Deployment, instances: Any, field: str) -> None:
    response = ask(api_of("alice"), instances)
    assert response.status_code == 422, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_cannot_hold_name_their_field(api_of: Api, deployment: Deployment, word: str) -> None:
    body = f'{{"instances": [{{"age": 40}}, {{"age": 41, "income": {word}}}]}}'
    response = api_of("alice").post(URL, body.encode(), content_type="application/json")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["instances[1].income"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b'{"instances": NaN', 400), (b"[" * 100_000, 400), (b"\xff\xfe", 400), (b"null", 422),
        (b'{"instances": [' + b"[" * 500 + b"]" * 500 + b"]}", 422), (b'{"instances": [{}], "explain": true}', 422),
        (b'{"instances": [{"city": "\\u0000"}]}', 422), (b'{"instances": ' + b"[NaN" * 2000, 400),
        (b'{"instances": [{"age": 1e999}]}', 422), (b'{"instances": [{"age": 123456789012345678901234567890}]}', 422),
    ],
)  # fmt: skip
def test_broken_bodies_are_refused(api_of: Api, deployment: Deployment, body: bytes, status: int) -> None:
    assert api_of("alice").post(URL, body, content_type="application/json").status_code in {status, 400, 422}


def test_a_form_is_no_json(api_of: Api, deployment: Deployment) -> None:
    assert api_of("alice").post(URL, b"instances=1", content_type="text/plain").status_code == 415


def test_a_body_too_large_is_413(api_of: Api, deployment: Deployment) -> None:
    body = b'{"instances": [' + b" " * (17 * 2**20) + b"]}"
    assert api_of("alice").post(URL, body, content_type="application/json").status_code == 413


def test_an_unseen_category_counts_as_unknown(api_of: Api, deployment: Deployment) -> None:
    seen, unseen = ask(api_of("alice"), [ROW, {**ROW, "city": "Atlantis"}]).json()["predictions"]
    assert seen != unseen


def test_an_unseen_category_is_refused_where_the_model_says_so(
    api_of: Api, make_version: Callable[..., ModelVersion]
) -> None:
    city = {"name": "city", "type": "text", "required": True, "categories": ["Lyon", "Paris"], "unseen": "refuse"}
    version = make_version(inputs=[{"name": "age", "type": "integer"}, {"name": "income", "type": "number"}, city])
    Deployment.objects.create(name="credit-scoring", department=version.department, model_version=version)
    [error] = ask(api_of("alice"), [{**ROW, "city": "Atlantis"}]).json()["errors"]
    assert error["field"] == "instances[0].city"
    assert "“Lyon”, “Paris”" in error["message"]


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("alice", 200),
        ("emil", 200),
        ("mona", 200),
        ("bob", 403),
        ("charlie", 404),
        ("dana", 404),
        ("mallory", 404),
        ("erin", 403),
    ],
)
def test_who_may_ask(api_of: Api, deployment: Deployment, person: str, status: int) -> None:
    assert ask(api_of(person), [ROW]).status_code == status


def test_a_stranger_cannot_tell_hidden_from_missing(api_of: Api, deployment: Deployment) -> None:
    charlie = api_of("charlie")
    hidden, missing = ask(charlie, [ROW]), ask(charlie, [ROW], URL.replace("credit-scoring", "no-such-name"))
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert ask(charlie, "not even instances").status_code == 404


@pytest.mark.parametrize(("scopes", "status"), [(["predict"], 200), (["write"], 200), (["read"], 403)])
def test_token_scopes(api_of: Api, deployment: Deployment, scopes: list[str], status: int) -> None:
    response = ask(api_of("alice", scopes=scopes), [ROW])
    assert response.status_code == status
    if status == 403:
        assert response.json()["code"] == "token-scope"


def test_without_a_token_it_is_401(deployment: Deployment) -> None:
    response = ask(APIClient(), [ROW])
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    wrong = APIClient()
    wrong.credentials(HTTP_AUTHORIZATION="Bearer atr_nonsense")
    assert (ask(wrong, [ROW]).status_code, ask(wrong, [ROW])["WWW-Authenticate"]) == (401, 'Bearer realm="atrium"')


def test_a_session_works_with_a_csrf_token(
    browser_of: Callable[[str], Client], people: Any, deployment: Deployment
) -> None:
    assert ask(browser_of("alice"), [ROW]).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people.alice, backend="django.contrib.auth.backends.ModelBackend")
    assert ask(strict, [ROW]).status_code == 403


def test_a_grant_opens_it_until_it_ends(
    api_of: Api, deployment: Deployment, departments: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = timezone.now() + timedelta(hours=1)
    model = deployment.model_version.model
    create_grant(obj=model, department=departments.clinic, verbs=["predict"], created_by=None, expires_at=ends)
    dana = api_of("dana")
    assert ask(dana, [ROW]).status_code == 200
    assert ask(api_of("charlie"), [ROW]).status_code == 404
    monkeypatch.setattr(timezone, "now", lambda: ends + timedelta(seconds=1))
    assert ask(dana, [ROW]).status_code == 404


def test_a_revoked_grant_closes_it_at_once(api_of: Api, deployment: Deployment, departments: SimpleNamespace) -> None:
    model = deployment.model_version.model
    grant = create_grant(obj=model, department=departments.clinic, verbs=["predict"], created_by=None)
    dana = api_of("dana")
    assert ask(dana, [ROW]).status_code == 200
    revoke_grant(grant=grant)
    assert ask(dana, [ROW]).status_code == 404


def test_a_grant_to_discover_shows_the_name_and_answers_nothing(
    api_of: Api, deployment: Deployment, departments: SimpleNamespace
) -> None:
    create_grant(obj=deployment.model_version.model, department=departments.clinic, verbs=["discover"], created_by=None)
    response = ask(api_of("dana"), [ROW])
    assert (response.status_code, response.json()["code"]) == (403, "grant-verbs")


def test_a_paused_deployment_says_so(api_of: Api, deployment: Deployment) -> None:
    Deployment.objects.update(state=DeploymentState.PAUSED)
    response = ask(api_of("alice"), [ROW])
    assert (response.status_code, response.json()["code"]) == (409, "paused")


def test_a_tampered_artifact_answers_nothing(api_of: Api, deployment: Deployment) -> None:
    folder = Path(settings.HOME) / "files" / deployment.model_version.storage_key
    (folder / "weights.safetensors").write_bytes(b"\x00" * 64)
    response = ask(api_of("alice"), [ROW])
    assert (response.status_code, response.json()["code"]) == (409, "artifact_changed")
    assert "weights.safetensors" in response.json()["detail"]


def test_an_exchanged_artifact_answers_nothing(api_of: Api, deployment: Deployment, make_version: Any) -> None:
    """A whole other artifact, consistent in itself, in the place of the registered one."""
    files = Path(settings.HOME) / "files"
    other = files / make_version(task="multiclass").storage_key
    for file in other.iterdir():
        (files / deployment.model_version.storage_key / file.name).write_bytes(file.read_bytes())
    response = ask(api_of("alice"), [ROW])
    assert (response.status_code, response.json()["code"]) == (409, "artifact_changed")


def test_it_costs_few_queries(api_of: Api, deployment: Deployment, django_assert_max_num_queries: Any) -> None:
    alice = api_of("alice")
    ask(alice, [ROW])
    with django_assert_max_num_queries(4):
        assert ask(alice, [ROW]).status_code == 200


def test_other_methods_are_405(api_of: Api, deployment: Deployment) -> None:
    alice = api_of("alice")
    assert [alice.get(URL).status_code, alice.put(URL).status_code, alice.delete(URL).status_code] == [405, 405, 405]
