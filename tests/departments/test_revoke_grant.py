"""Revoking a grant: what was made under it is listed, and the owner's choice holds everywhere at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets.models import Dataset
from datasets.preparation.services import create_recipe
from datasets.services import create_dataset
from departments.access import actor_for
from departments.ending import close_kept, end_expired, lift_end, revoke_grant
from departments.models import Grant, GrantEnd, Notice
from departments.services import create_grant
from jobs.testing import run_pending
from rest.problems import Refused
from serving import prediction_log
from serving.models import Deployment, SignOff
from serving.services import deploy
from tests.datasets.uploads import upload
from tests.world import CSV
from training.configuration import Request
from training.models import ModelVersion, TrainingRun
from training.services import start_run
from training.studies import start_study

ROW = {"age": 40, "income": 1500, "grade": "plain"}


class Made(SimpleNamespace):
    """What Dana of Clinic made from the loans of Credit Risk: grant, run, version, deployment, recipe, waiting, study."""

    dataset: Dataset
    grant: Grant
    version: ModelVersion
    deployment: Deployment
    waiting: TrainingRun


@pytest.fixture
def made(people: SimpleNamespace, departments: SimpleNamespace, api_of: Callable[..., APIClient]) -> Made:
    dana = actor_for(people.dana)
    dataset = create_dataset(
        actor=actor_for(people.emil), department=departments.credit_risk, name="loans", file=upload(CSV)
    )
    run_pending()
    given = {"verbs": ["preview", "train", "predict"], "created_by": people.mona}
    end = timezone.now() + timedelta(days=30)
    grant = create_grant(obj=dataset, department=departments.clinic, expires_at=end, **given)
    assert api_of("dana").get(f"/api/v1/datasets/{dataset.pk}/versions/1/rows/").status_code == 200
    recipe = create_recipe(actor=dana, dataset=dataset, name="cleaned", steps=[], department=departments.clinic)
    quick = Request(target="defaulted", family="linear", params={"epochs": 5})
    asked = {"actor": dana, "department": departments.clinic, "version": dataset.versions.get(), "request": quick}
    run = start_run(**asked, name="first")
    run_pending()
    run.refresh_from_db()
    version = run.model_version
    wanted = {"department": departments.clinic, "model_version": version, "created_by_id": dana.person_id}
    with pytest.raises(Refused) as refused:
        deploy(actor=dana, name="risk", **wanted)
    assert refused.value.code == "sign-off"
    one = SignOff.objects.get(model_version=version)
    said = api_of("mona").post(f"/api/v1/sign-offs/{one.pk}/approve/", {"reason": "Lent for this."})
    assert (said.status_code, said.json()["state"]) == (200, "approved")
    deployment = deploy(actor=dana, name="risk", **wanted)
    waiting = start_run(**asked, name="waiting")
    study = start_study(**asked, search={"learning_rate": {"low": 0.01, "high": 0.1}}, trials=3, name="search")
    return Made(
        dataset=dataset, grant=grant, run=run, version=version, deployment=deployment, recipe=recipe, waiting=waiting,
        study=study,
    )  # fmt: skip


@pytest.fixture
def ask_model(api_of: Callable[..., APIClient]) -> Callable[[], Any]:
    """Dana asks her deployment for a prediction."""
    dana = api_of("dana")
    return lambda: dana.post("/api/v1/deployments/risk/predict/", {"instances": [ROW]})


def in_days(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


def later(days: float) -> Any:
    """The clock, moved."""
    then = in_days(days)
    return mock.patch.object(timezone, "now", lambda: then)


def test_everything_is_listed_with_its_calls(
    made: Made, ask_model: Callable[[], Any], api_of: Callable[..., APIClient]
) -> None:
    ask_model(), ask_model()
    prediction_log.ship()
    answer = api_of("mona").get(f"/api/v1/grants/{made.grant.pk}/consequences/")
    assert answer.status_code == 200, answer.json()
    found = {group["kind"]: group["items"] for group in answer.json()["kinds"]}
    assert [item["name"] for item in found["recipes"]] == ["cleaned"]
    assert {item["name"] for item in found["runs"]} == {"first", "waiting"}
    assert {item["name"] for item in found["jobs"]} >= {"waiting"}
    assert [item["name"] for item in found["studies"]] == ["search"]
    assert [item["id"] for item in found["models"]] == [str(made.version.pk)]
    assert [(item["name"], item["note"]) for item in found["deployments"]] == [("risk", "2 calls in the last 7 days")]


def test_who_sees_the_consequences(made: Made, api_of: Callable[..., APIClient]) -> None:
    url = f"/api/v1/grants/{made.grant.pk}/consequences/"
    statuses = {
        name: api_of(name).get(url).status_code for name in ("mona", "dana", "erin", "alice", "charlie", "mallory")
    }
    assert statuses == {"mona": 200, "dana": 200, "erin": 200, "alice": 403, "charlie": 404, "mallory": 404}


def test_freeze(made: Made, ask_model: Callable[[], Any], api_of: Callable[..., APIClient]) -> None:
    assert ask_model().status_code == 200
    answer = api_of("mona").post(f"/api/v1/grants/{made.grant.pk}/revoke/", {"choice": "freeze"})
    assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
    refused = ask_model()
    assert (refused.status_code, refused.json()["code"]) == (403, "data-revoked")
    assert "Credit Risk" in refused.json()["detail"]
    made.deployment.refresh_from_db()
    assert made.deployment.state == "active", "it follows its model"
    end = GrantEnd.objects.get()
    assert end.choices == {"jobs": "stop", "models": "freeze", "deployments": "freeze"}
    assert end.affected["models"] == 1 and end.affected["jobs"] >= 2


def test_jobs_and_the_study_are_cancelled_and_start_nothing_new(made: Made) -> None:
    revoke_grant(grant=made.grant)
    for thing in (made.waiting, made.study):
        thing.refresh_from_db()
        assert thing.state == "cancelled", thing
    count = TrainingRun.objects.count()
    run_pending()
    assert TrainingRun.objects.count() == count
    assert ModelVersion.objects.count() == 1


def test_a_running_job_is_told(made: Made) -> None:
    job = made.waiting.job
    type(job).objects.filter(pk=job.pk).update(state="running")
    revoke_grant(grant=made.grant)
    job.refresh_from_db()
    assert job.signal == "cancel"


def test_stop_pauses_and_it_cannot_be_resumed(made: Made, ask_model: Callable[[], Any], api_of: Any) -> None:
    revoke_grant(grant=made.grant, choice="stop")
    assert (ask_model().status_code, ask_model().json()["code"]) == (409, "paused")
    answer = api_of("dana").patch("/api/v1/deployments/risk/", {"state": "active"})
    assert (answer.status_code, answer.json()["code"]) == (403, "data-revoked")


def test_a_frozen_model_is_not_deployed_nor_handed_out(made: Made, api_of: Callable[..., APIClient]) -> None:
    revoke_grant(grant=made.grant, choice="freeze")
    dana, model = api_of("dana"), f"/api/v1/models/{made.version.model_id}/versions/1"
    deployed = dana.post("/api/v1/deployments/", {"name": "again", "model_version": str(made.version.pk)})
    taken = dana.get(f"{model}/download/")
    for answer in (deployed, taken):
        assert (answer.status_code, answer.json()["code"]) == (403, "data-revoked")


def test_retrain_answers_until_the_date_and_says_so(
    made: Made, ask_model: Callable[[], Any], api_of: Callable[..., APIClient], browser_of: Callable[[str], Client]
) -> None:
    until = in_days(14)
    revoke_grant(grant=made.grant, choice="retrain", until=until)
    told = ask_model().json()["data_revoked"]
    assert (told["choice"], told["until"], told["owner"]) == ("retrain", until.isoformat(), "Credit Risk")
    dana = api_of("dana")
    version = dana.get(f"/api/v1/models/{made.version.model_id}/versions/1/").json()
    assert version["data_revoked"] == version["card"]["data_revoked"] == told
    assert dana.get("/api/v1/deployments/risk/").json()["data_revoked"] == told
    for url in (f"/models/{made.version.model_id}/versions/1/", "/deployments/risk/"):
        page = browser_of("dana").get(url).content.decode()
        assert "ended the access to data that this model learned from" in page
        assert until.date().isoformat() in page
    made.waiting.refresh_from_db()
    assert made.waiting.state == "cancelled"


def test_keep_lets_all_go_on_and_then_freezes_even_if_beat_sleeps(made: Made, ask_model: Callable[[], Any]) -> None:
    revoke_grant(grant=made.grant, choice="keep", until=in_days(3))
    made.waiting.refresh_from_db()
    assert made.waiting.state == "queued"
    assert ask_model().json()["data_revoked"]["choice"] == "keep"
    with later(days=3.01):
        assert ask_model().status_code == 403


def test_beat_carries_out_the_end_of_keeping_once(made: Made) -> None:
    revoke_grant(grant=made.grant, choice="keep", until=in_days(3))
    assert close_kept() == 0
    with later(days=3.01):
        assert (close_kept(), close_kept()) == (1, 0)
    made.version.refresh_from_db()
    assert [entry["choice"] for entry in made.version.revocations] == ["freeze"]
    made.waiting.refresh_from_db()
    assert made.waiting.state == "cancelled"


def test_a_model_that_a_kept_job_makes_afterwards_is_under_the_same_ruling(made: Made) -> None:
    """Here the job's right was checked before the end; what it leaves behind is marked all the same."""
    from training.registration import register

    revoke_grant(grant=made.grant, choice="keep", until=in_days(3))
    run = TrainingRun.objects.get(pk=made.waiting.pk)
    first = made.version
    stored = SimpleNamespace(
        storage_key=first.storage_key, sha256=first.sha256, size_bytes=first.size_bytes, manifest=first.manifest
    )
    version = register(run=run, stored=stored)  # type: ignore[arg-type]
    assert [entry["choice"] for entry in version.revocations] == ["keep"]


def test_choices_by_kind(made: Made, ask_model: Callable[[], Any], api_of: Callable[..., APIClient]) -> None:
    body = {"choice": "keep", "choices": {"jobs": "stop", "deployments": "stop"}, "until": in_days(5).isoformat()}
    assert api_of("mona").post(f"/api/v1/grants/{made.grant.pk}/revoke/", body).status_code == 200
    made.waiting.refresh_from_db()
    assert made.waiting.state == "cancelled"
    assert ask_model().json()["code"] == "paused"
    made.version.refresh_from_db()
    assert made.version.revocations[0]["choice"] == "keep"


WRONG = [
    ({"choice": "burn"}, "choice"),
    ({"choice": "keep"}, "until"),
    ({"choice": "retrain", "until": "2001-01-01T00:00:00Z"}, "until"),
    ({"choice": "freeze", "choices": {"moons": "stop"}}, "choices.moons"),
    ({"choice": "freeze", "choices": {"jobs": "retrain"}}, "choices.jobs"),
]


@pytest.mark.parametrize(("body", "field"), WRONG)
def test_what_cannot_be_chosen(body: dict[str, Any], field: str, made: Made, api_of: Callable[..., APIClient]) -> None:
    answer = api_of("mona").post(f"/api/v1/grants/{made.grant.pk}/revoke/", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    made.grant.refresh_from_db()
    assert made.grant.revoked_at is None


def test_under_another_grant_to_train_nothing_is_touched(
    made: Made, departments: SimpleNamespace, people: SimpleNamespace, ask_model: Callable[[], Any]
) -> None:
    create_grant(obj=made.dataset, department=departments.clinic, verbs=["train"], created_by=people.mona)
    revoke_grant(grant=made.grant, choice="stop")
    assert ask_model().status_code == 200
    assert GrantEnd.objects.get().affected == {}


def test_lifting_undoes_it(made: Made, ask_model: Callable[[], Any], api_of: Callable[..., APIClient]) -> None:
    revoke_grant(grant=made.grant, choice="freeze")
    assert api_of("dana").post(f"/api/v1/grants/{made.grant.pk}/lift/").status_code == 403
    assert api_of("mona").post(f"/api/v1/grants/{made.grant.pk}/lift/").status_code == 200
    answer = ask_model()
    assert answer.status_code == 200 and "data_revoked" not in answer.json()
    assert api_of("mona").post(f"/api/v1/grants/{made.grant.pk}/lift/").status_code == 409


def test_at_expiry_the_grants_own_choice_counts(made: Made, ask_model: Callable[[], Any]) -> None:
    assert end_expired() == 0
    with later(days=30.01):
        assert (end_expired(), end_expired()) == (1, 0)
    assert ask_model().status_code == 403
    end = GrantEnd.objects.get()
    assert (end.choices["models"], end.created_by) == ("freeze", None)
    assert {notice.person.username for notice in Notice.objects.filter(kind="grant.ended")} == {"mona", "dana"}
    assert AuditEvent.objects.get(verb="grant.expire").details["choices"]["models"] == "freeze"


def test_at_expiry_with_time_to_retrain(made: Made, ask_model: Callable[[], Any]) -> None:
    Grant.objects.update(on_end="retrain", on_end_days=10)
    with later(days=30.01):
        end_expired()
        assert ask_model().json()["data_revoked"]["choice"] == "retrain"
    with later(days=40.01):
        assert ask_model().status_code == 403


def test_who_used_the_data_is_told_what_was_decided(made: Made) -> None:
    revoke_grant(grant=made.grant, choice="freeze")
    kinds = set(Notice.objects.filter(person__username="dana").values_list("kind", flat=True))
    assert {"grant.revoked", "data.choice"} <= kinds


def test_all_or_nothing(made: Made, ask_model: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """If a later kind fails, the earlier ones and the revocation itself are undone too."""
    monkeypatch.setattr("serving.ends.record", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        revoke_grant(grant=made.grant, choice="stop")
    made.grant.refresh_from_db()
    assert made.grant.revoked_at is None
    assert ask_model().status_code == 200


def test_from_the_page(made: Made, browser_of: Callable[[str], Client], ask_model: Callable[[], Any]) -> None:
    mona = browser_of("mona")
    page = mona.get(f"/grants/{made.grant.pk}/").content.decode()
    assert "risk" in page and "cleaned" in page and f"/deployments/{made.deployment.name}/" not in page
    assert mona.post(f"/grants/{made.grant.pk}/revoke/", {"choice": "keep"}).status_code == 422
    sent = {"choice": "retrain", "until": in_days(20).date().isoformat(), "kind.deployments": "stop"}
    page = mona.post(f"/grants/{made.grant.pk}/revoke/", sent, follow=True).content.decode()
    assert "Let it be used again" in page
    assert ask_model().json()["code"] == "paused"
    theirs = browser_of("dana").get(f"/grants/{made.grant.pk}/").content.decode()
    assert f"/deployments/{made.deployment.name}/" in theirs


def test_lifting_leaves_paused_deployments_to_their_department(made: Made, api_of: Callable[..., APIClient]) -> None:
    revoke_grant(grant=made.grant, choice="stop")
    lift_end(grant=made.grant)
    made.deployment.refresh_from_db()
    assert made.deployment.state == "paused"
    assert api_of("dana").patch("/api/v1/deployments/risk/", {"state": "active"}).status_code == 200
