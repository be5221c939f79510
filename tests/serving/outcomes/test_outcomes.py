"""The truth that came later: matched with what was answered, kept once, corrected openly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from audit.models import AuditEvent
from departments.services import create_grant
from serving import prediction_log, traces
from serving.models import Deployment, Outcome, Prediction
from serving.outcomes.summary import summary_of
from tests.serving.artifacts import ROW
from tests.serving.test_predict import ask
from training.models import ModelVersion

Api = Callable[..., APIClient]
Browser = Callable[[str], Client]
URL = "/api/v1/deployments/credit-scoring/outcomes/"
PAGE = "/deployments/credit-scoring/outcomes/"


@pytest.fixture
def asked(api_of: Api, deployment: Deployment) -> str:
    """The id of a request of three instances, logged."""
    request_id: str = ask(api_of("alice"), [ROW, {"age": 20}, {"age": 70}]).json()["request_id"]
    prediction_log.ship()
    return request_id


def truth(request_id: str, value: Any = "good", instance: int = 0) -> dict[str, Any]:
    return {"request_id": request_id, "instance": instance, "value": value}


def test_it_works(api_of: Api, deployment: Deployment, asked: str) -> None:
    answer = api_of("alice").post(URL, truth(asked))
    assert (answer.status_code, answer.json()) == (200, {"new": 1, "corrected": 0, "unchanged": 0, "refused": []})
    [outcome] = Outcome.objects.all()
    told = Prediction.objects.get().answers[0]["label"]
    assert (outcome.value, outcome.answered, outcome.decided, outcome.error) == ("good", told, None, None)
    [listed] = api_of("bob").get(URL).json()["results"]
    assert (listed["request_id"], listed["value"], listed["answered"]) == (asked, "good", told)


def test_a_fresh_answer_is_found_before_it_was_shipped(api_of: Api, deployment: Deployment) -> None:
    request_id = ask(api_of("alice"), [ROW]).json()["request_id"]
    assert api_of("alice").post(URL, truth(request_id)).status_code == 200


def test_the_same_again_changes_nothing(api_of: Api, asked: str) -> None:
    api_of("alice").post(URL, truth(asked))
    again = api_of("alice").post(URL, [truth(asked), truth(asked)]).json()
    assert (again["new"], again["corrected"], again["unchanged"]) == (0, 0, 2)
    assert Outcome.objects.count() == 1
    assert AuditEvent.objects.filter(verb="deployment.outcomes").count() == 1


def test_a_correction_replaces_and_is_audited_without_its_value(api_of: Api, asked: str, people: Any) -> None:
    api_of("alice").post(URL, truth(asked))
    assert api_of("emil").post(URL, truth(asked, "bad")).json()["corrected"] == 1
    outcome = Outcome.objects.get()
    assert (outcome.value, outcome.created_by) == ("bad", people.emil)
    event = AuditEvent.objects.get(verb="deployment.correct_outcome")
    assert event.details == {"request_id": asked, "instance": 0}


def test_what_fits_is_kept_and_the_rest_is_listed(api_of: Api, asked: str) -> None:
    told = [truth(asked, instance=2), truth(str(uuid4())), truth(asked, instance=3), truth(asked, "maybe"), truth("x")]
    answer = api_of("alice").post(URL, told)
    assert answer.status_code == 200
    body = answer.json()
    assert body["new"] == 1
    assert [(each["index"], each["code"]) for each in body["refused"]] == [
        (1, "unknown_request"), (2, "unknown_instance"), (3, "invalid_value"), (4, "unknown_request"),
    ]  # fmt: skip
    assert "bad, good" in body["refused"][2]["message"]


def test_where_nothing_fits_the_status_says_so(api_of: Api, asked: str) -> None:
    answer = api_of("alice").post(URL, truth(asked, "maybe"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_value")
    assert answer.json()["errors"][0]["field"] == "[0]"
    assert not Outcome.objects.exists()


@pytest.mark.parametrize("body", [[], {}, [{"value": 1}], "x", [[1]], {"request_id": "1", "value": 1, "more": 2}])
def test_what_is_no_outcome_is_422(api_of: Api, deployment: Deployment, body: Any) -> None:
    assert api_of("alice").post(URL, body, format="json").status_code == 422


def test_ten_thousand_at_once_and_not_one_more(api_of: Api, deployment: Deployment, asked: str) -> None:
    first = Prediction.objects.get()
    one = {"deployment": deployment, "model_version": first.model_version, "rows": 100, "microseconds": 1}
    made = Prediction.objects.bulk_create(
        Prediction(request_id=uuid4(), instances=[ROW] * 100, answers=first.answers[:1] * 100, **one)
        for _ in range(100)
    )
    told = [truth(str(row.request_id), instance=place) for row in made for place in range(100)]
    assert api_of("alice").post(URL, told).json()["new"] == 10_000
    assert api_of("alice").post(URL, told).json()["unchanged"] == 10_000
    assert api_of("alice").post(URL, [*told, told[0]]).status_code == 422


def test_a_number_has_an_error(api_of: Api, make_version: Callable[..., ModelVersion]) -> None:
    version = make_version(task="regression")
    deployment = Deployment.objects.create(name="credit-scoring", department=version.department, model_version=version)
    body = ask(api_of("alice"), [ROW, {"age": 30}]).json()
    values = [each["value"] for each in body["predictions"]]
    told = [truth(body["request_id"], values[0] - 3, 0), truth(body["request_id"], values[1] + 1, 1)]
    assert api_of("alice").post(URL, told).json()["new"] == 2
    errors = summary_of(deployment).errors
    assert errors is not None
    assert errors.mean_absolute == pytest.approx(2)
    assert errors.root_mean_squared == pytest.approx(5**0.5)
    assert errors.bias == pytest.approx(1)
    for wrong in ("x", True, None, "inf"):
        assert api_of("alice").post(URL, truth(body["request_id"], wrong)).status_code == 422


def test_classes_are_counted_by_truth_and_answer(api_of: Api, deployment: Deployment, asked: str) -> None:
    answers = [each["label"] for each in Prediction.objects.get().answers]
    other = {"good": "bad", "bad": "good"}
    told = [truth(asked, answers[0], 0), truth(asked, answers[1], 1), truth(asked, other[answers[2]], 2)]
    api_of("alice").post(URL, told)
    summary = summary_of(deployment)
    assert (summary.answers, summary.outcomes) == (3, 3)
    assert summary.confusion is not None
    assert (summary.confusion.right, summary.confusion.total) == (2, 3)
    assert summary.confusion.labels == ["bad", "good"]
    assert sum(sum(counts) for _truth, counts, _right in summary.confusion.rows) == 3


def test_whoever_was_granted_to_predict_reports_on_own_requests_only(
    api_of: Api, deployment: Deployment, asked: str, people: Any, departments: Any
) -> None:
    model = deployment.model_version.model
    create_grant(
        obj=model, department=departments.clinic, verbs=["discover", "predict"], created_by=people.mona, purpose="x"
    )
    dana = api_of("dana")
    assert dana.post(URL, truth(asked)).json()["code"] == "unknown_request"
    own = ask(dana, [ROW]).json()["request_id"]
    assert dana.post(URL, truth(own)).status_code == 200
    assert dana.get(URL).json()["code"] == "own-department"


def test_a_viewer_and_a_stranger_report_nothing(api_of: Api, asked: str) -> None:
    assert api_of("bob").post(URL, truth(asked)).status_code == 403
    assert api_of("charlie").post(URL, truth(asked)).status_code == 404


def test_a_scope_to_predict_is_enough(api_of: Api, asked: str) -> None:
    assert api_of("alice", scopes=["predict"]).post(URL, truth(asked)).status_code == 200


def test_whom_is_forgotten_leaves_no_outcome(api_of: Api, deployment: Deployment, departments: Any) -> None:
    request_id = ask(api_of("alice"), [{**ROW, "city": "Anna Muster"}, ROW]).json()["request_id"]
    api_of("alice").post(URL, [truth(request_id, instance=0), truth(request_id, instance=1)])
    assert traces.erase(departments.credit_risk.pk, "Anna Muster") == 1
    assert [each.instance for each in Outcome.objects.all()] == [1]


def upload(client: Client, text: str) -> Any:
    return client.post(PAGE, {"file": SimpleUploadedFile("truth.csv", text.encode())})


def test_a_file_is_taken_in(browser_of: Browser, asked: str) -> None:
    answer = upload(browser_of("alice"), f"request_id;instance;value\r\n{asked};1;bad\r\n{asked};;good\r\n")
    assert answer.status_code == 302
    assert {(each.instance, each.value) for each in Outcome.objects.all()} == {(1, "bad"), (0, "good")}
    page = browser_of("bob").get(PAGE).content.decode()
    assert "2" in page and asked[:8] in page and 'type="file"' not in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,value\n1,2\n", "request_id"),
        ("request_id,value\n", "no line"),
        ("request_id,value\nx,good\n", "Line 2"),
    ],
)
def test_a_file_that_does_not_fit_says_where(browser_of: Browser, asked: str, text: str, said: str) -> None:
    answer = upload(browser_of("alice"), text)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_an_empty_page_says_how_to_begin(browser_of: Browser, deployment: Deployment) -> None:
    page = browser_of("alice").get(PAGE).content.decode()
    assert "No outcome is known yet" in page and "/outcomes/" in page
    assert browser_of("charlie").get(PAGE).status_code == 404
