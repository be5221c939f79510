"""A person is found over all versions, erased for good, and the models that saw them are listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets.erasure.services import find_subject
from datasets.models import Erasure, Feed
from datasets.services import add_version, create_dataset
from datasets.sources.services import create_source
from departments.access import actor_for
from jobs.models import Job

SUBJECT = "zoe.zqperson@example.org"
ROWS = [f"p{i}@example.org,{20 + i},{i % 2}" for i in range(30)]


def csv(*rows: str) -> ContentFile:
    return ContentFile("\n".join(["email,age,defaulted", *rows]).encode(), name="people.csv")


@pytest.fixture
def dataset(people: SimpleNamespace, departments: SimpleNamespace, run_jobs: Callable[..., Any]) -> Any:
    """Two versions with Zoe in them, written in two ways, and one without her."""
    actor = actor_for(people.alice)
    own = {"actor": actor, "department": departments.credit_risk}
    made = create_dataset(**own, name="People", file=csv(*ROWS, f"{SUBJECT},44,1"))
    add_version(actor=actor, dataset=made, file=csv(*ROWS[:20], f" {SUBJECT.upper()} ,44,1", f"{SUBJECT},44,0"))
    add_version(actor=actor, dataset=made, file=csv(*ROWS))
    run_jobs()
    return made


def files_with(folder: Path, text: str) -> list[Path]:
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and text.encode() in path.read_bytes():
            found.append(path)
    return found


@pytest.fixture
def found(dataset: Any, api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]) -> Any:
    answer = api_of("mona").post(
        "/api/v1/erasures/", {"department": "credit-risk", "subject": SUBJECT, "reason": "letter of 3 March"}
    )
    assert answer.status_code == 202, answer.data
    run_jobs()
    return Erasure.objects.get()


def test_it_is_found_in_every_version(found: Erasure) -> None:
    assert found.state == "found"
    places = [(each["number"], each["rows"], each["columns"]) for each in found.report["versions"]]
    assert places == [(1, 1, {"email": 1}), (2, 2, {"email": 2})]
    assert found.report["searched"] == {"versions": 3, "datasets": 1}


@pytest.mark.django_db(transaction=True)  # files are dropped when the transaction commits
def test_it_is_erased_for_good(
    found: Erasure, dataset: Any, api_of: Callable[..., APIClient], run_jobs: Callable[..., Any], tmp_path: Path
) -> None:
    assert files_with(tmp_path / "files", SUBJECT)
    mona = api_of("mona")
    assert mona.post(f"/api/v1/erasures/{found.pk}/erase/", {"confirm": "erase"}).status_code == 202
    run_jobs()
    found.refresh_from_db()
    assert found.state == "erased" and found.sealed_subject == ""
    assert [v.rows for v in dataset.versions.order_by("number")] == [30, 20, 30]
    rows = mona.get(f"/api/v1/datasets/{dataset.pk}/versions/2/rows/?limit=100").data
    assert rows["total"] == 20 and SUBJECT not in str(rows).lower()
    assert SUBJECT not in str(list(dataset.versions.values("profile", "notes"))).lower()
    assert not files_with(tmp_path / "files", SUBJECT) and not files_with(tmp_path / "files", SUBJECT.upper())


def test_nothing_else_is_lost(
    found: Erasure, dataset: Any, api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]
) -> None:
    mona, url = api_of("mona"), f"/api/v1/datasets/{dataset.pk}/versions"
    before = [row for row in mona.get(f"{url}/1/rows/?limit=100").data["results"] if row["email"] != SUBJECT]
    untouched = dataset.versions.get(number=3).sha256
    mona.post(f"/api/v1/erasures/{found.pk}/erase/", {"confirm": "erase"})
    run_jobs()
    assert mona.get(f"{url}/1/rows/?limit=100").data["results"] == before
    assert dataset.versions.get(number=3).sha256 == untouched
    again = mona.post(f"{url}/", {"source_version": 1, "options": {}})
    assert again.status_code == 409 and again.data["code"] == "source_erased"


def test_a_feed_that_would_bring_them_back_is_paused(
    found: Erasure,
    dataset: Any,
    people: SimpleNamespace,
    api_of: Callable[..., APIClient],
    run_jobs: Callable[..., Any],
) -> None:
    source = create_source(
        actor=actor_for(people.emil), department=dataset.department, name="CRM", connector="postgresql",
        params={"host": "db.invalid", "database": "crm", "user": "reader", "password": "x"},
    )  # fmt: skip
    feed = Feed.objects.create(dataset=dataset, department=dataset.department, source=source, table="people")
    api_of("mona").post(f"/api/v1/erasures/{found.pk}/erase/", {"confirm": "erase"})
    run_jobs()
    feed.refresh_from_db()
    found.refresh_from_db()
    assert feed.is_paused and found.report["paused_feeds"] == ["People"]


def test_the_key_stands_nowhere_but_sealed(found: Erasure) -> None:
    assert SUBJECT not in found.sealed_subject
    told = [str(list(rows.values())) for rows in (AuditEvent.objects.all(), Job.objects.all(), Erasure.objects.all())]
    assert not [text for text in told if "zqperson" in text.lower()]


def test_numbers_are_found_by_value(
    dataset: Any, departments: SimpleNamespace, people: SimpleNamespace, run_jobs: Callable[..., Any]
) -> None:
    asked = {"actor": actor_for(people.mona), "department": departments.credit_risk}
    by_age = find_subject(**asked, subject="44", columns=["age"])
    run_jobs()
    by_age.refresh_from_db()
    assert [each["rows"] for each in by_age.report["versions"]] == [2, 2, 1]
    assert find_subject(**asked, subject=str(uuid4())).state == "searching"


def test_the_key_is_found_however_it_is_typed(
    dataset: Any, departments: SimpleNamespace, people: SimpleNamespace, run_jobs: Callable[..., Any]
) -> None:
    made = find_subject(
        actor=actor_for(people.mona), department=departments.credit_risk, subject=f" {SUBJECT.upper()} "
    )
    run_jobs()
    made.refresh_from_db()
    assert [each["rows"] for each in made.report["versions"]] == [1, 2]


def test_nothing_found_says_so(
    dataset: Any, departments: SimpleNamespace, people: SimpleNamespace, run_jobs: Callable[..., Any]
) -> None:
    made = find_subject(actor=actor_for(people.mona), department=departments.credit_risk, subject="nobody@example.org")
    run_jobs()
    made.refresh_from_db()
    assert made.state == "nothing"


def test_only_managers_may(found: Erasure, api_of: Callable[..., APIClient]) -> None:
    body = {"department": "credit-risk", "subject": SUBJECT}
    assert api_of("alice").post("/api/v1/erasures/", body).status_code == 403
    assert api_of("charlie").post("/api/v1/erasures/", body).status_code == 404
    assert api_of("alice").get(f"/api/v1/erasures/{found.pk}/").status_code == 404
    refused = api_of("mona").post(f"/api/v1/erasures/{found.pk}/erase/", {"confirm": "yes"})
    assert refused.status_code == 422


def test_the_models_that_saw_them_are_listed(world_with_person: SimpleNamespace, run_jobs: Callable[..., Any]) -> None:
    report = world_with_person.erasure.report
    assert [(each["kind"], each["department"]) for each in report["witnesses"]] == [("model", "credit-risk")]
    assert report["held"] == {"predictions": 1}


@pytest.fixture
def world_with_person(
    people: SimpleNamespace,
    departments: SimpleNamespace,
    run_jobs: Callable[..., Any],
    api_of: Callable[..., APIClient],
) -> SimpleNamespace:
    """A model trained on a table that holds customer 777, and a logged prediction about them."""
    from serving.prediction_log import ship
    from serving.services import deploy
    from training.configuration import Request
    from training.services import start_run

    actor = actor_for(people.emil)
    own = {"actor": actor, "department": departments.credit_risk}
    lines = "customer,income,defaulted\n" + "".join(f"{700 + i},{1000 + 37 * (i % 11)},{i % 2}\n" for i in range(100))
    made = create_dataset(**own, name="Loans", file=ContentFile(lines.encode(), name="loans.csv"))
    run_jobs()
    request = Request(target="defaulted", family="linear", params={"epochs": 2}, features=["customer", "income"])
    run = start_run(**own, version=made.versions.get(), request=request)
    run_jobs()
    run.refresh_from_db()
    deploy(**own, name="loans", model_version=run.model_version, created_by_id=people.emil.pk, override_reason="tried")
    body = {"instances": [{"customer": 777, "income": 1000}]}
    answer = api_of("emil").post("/api/v1/deployments/loans/predict/", body)
    assert answer.status_code == 200, answer.content
    ship()
    erasure = find_subject(
        actor=actor_for(people.mona), department=departments.credit_risk, subject="777", columns=["customer"]
    )
    run_jobs()
    erasure.refresh_from_db()
    return SimpleNamespace(erasure=erasure, dataset=made)


def test_the_log_of_predictions_forgets_too(
    world_with_person: SimpleNamespace, api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]
) -> None:
    from serving.models import Prediction

    api_of("mona").post(f"/api/v1/erasures/{world_with_person.erasure.pk}/erase/", {"confirm": "erase"})
    run_jobs()
    assert [each.instances for each in Prediction.objects.all()] == [[{"erased": True}]]


def test_what_the_model_answered_about_them_goes_too(
    world_with_person: SimpleNamespace, api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]
) -> None:
    """Customer 777 is row 77; whoever stood after them moves up by one."""
    from training.models import ModelVersion
    from training.scored import scored_rows

    model = ModelVersion.objects.get()
    before = scored_rows(model)
    api_of("mona").post(f"/api/v1/erasures/{world_with_person.erasure.pk}/erase/", {"confirm": "erase"})
    run_jobs()
    after = scored_rows(model)
    assert before is not None and after is not None
    assert after.row.tolist() == [row - (row > 77) for row in before.row.tolist() if row != 77]
