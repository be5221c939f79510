"""Answers that wait for a person: made once, taken by one, decided once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from audit.models import AuditEvent
from departments.access import actor_for
from rest.problems import Refused
from serving import prediction_log, traces
from serving.models import Deployment, Outcome, ReviewItem
from serving.policies.services import save_policy, use_policy
from serving.review import services
from tests.serving.artifacts import ROW
from tests.serving.test_predict import ask

Api = Callable[..., APIClient]
Browser = Callable[[str], Client]
URL = "/api/v1/reviews/"
ALL = {"threshold": 0.5, "review": {"low": 0.0, "high": 1.0}}
FAR = {"name": "far away", "when": [{"column": "city", "op": "eq", "value": "Nice"}], "review": True}


@pytest.fixture
def reviewing(deployment: Deployment, people: Any) -> Deployment:
    """The deployment with a policy that leaves every answer to a person, Nice by a rule."""
    emil = actor_for(people.emil)
    settings = {**ALL, "rules": [FAR]}
    policy = save_policy(actor=emil, version=deployment.model_version, settings=settings, reason="all by hand")
    return use_policy(actor=emil, deployment=deployment, policy=policy)


@pytest.fixture
def item(api_of: Api, reviewing: Deployment) -> ReviewItem:
    ask(api_of("alice"), [ROW])
    prediction_log.ship()
    return ReviewItem.objects.get()


def test_answers_become_cases_once(api_of: Api, reviewing: Deployment) -> None:
    ask(api_of("alice"), [ROW, {**ROW, "city": "Nice"}])
    segments = {path.name: path.read_bytes() for path in prediction_log.folder().glob("*.jsonl")}
    prediction_log.ship()
    for name, content in segments.items():
        (prediction_log.folder() / f"again-{name}").write_bytes(content)
    prediction_log.ship()
    found = {item.instance: item for item in ReviewItem.objects.all()}
    assert set(found) == {0, 1}
    assert (found[0].rule, found[1].rule) == ("", "far away")
    assert 0 < found[0].probability < 1  # type: ignore[operator]
    assert found[0].due_at > timezone.now() + timedelta(days=1)


def test_what_the_model_decides_makes_no_case(api_of: Api, deployment: Deployment) -> None:
    ask(api_of("alice"), [ROW])
    prediction_log.ship()
    assert not ReviewItem.objects.exists()


def test_the_list_and_one_case(api_of: Api, item: ReviewItem) -> None:
    bob = api_of("bob")
    [listed] = bob.get(URL).json()["results"]
    assert (listed["id"], listed["state"], listed["assignee"], listed["decision"]) == (str(item.pk), "open", None, None)
    body = bob.get(f"{URL}{item.pk}/").json()
    assert body["inputs"] == ROW
    assert body["answer"]["decision"]["by"] == "review"
    assert AuditEvent.objects.filter(verb="review.read").count() == 1
    assert bob.get(f"{URL}?state=decided").json()["results"] == []


@pytest.mark.parametrize("name", ["charlie", "erin", "mallory"])
def test_strangers_and_platform_admins_see_no_case(api_of: Api, item: ReviewItem, name: str) -> None:
    assert api_of(name).get(f"{URL}{item.pk}/").status_code == 404
    assert api_of(name).get(URL).json()["results"] == []


def test_it_is_decided_and_kept_as_the_truth(api_of: Api, item: ReviewItem, people: Any) -> None:
    answer = api_of("alice").post(f"{URL}{item.pk}/decide/", {"decision": "bad", "note": "seen", "is_truth": True})
    assert answer.status_code == 200, answer.content
    item.refresh_from_db()
    assert (item.state, item.decision, item.note, item.decided_by) == ("decided", "bad", "seen", people.alice)
    outcome = Outcome.objects.get()
    assert (outcome.value, outcome.source, outcome.decided) == ("bad", "review", None)
    assert "bad" not in str(AuditEvent.objects.get(verb="review.decide").details)


def test_a_decision_is_not_the_truth_unless_said(api_of: Api, item: ReviewItem) -> None:
    api_of("alice").post(f"{URL}{item.pk}/decide/", {"decision": "good"})
    assert not Outcome.objects.exists()


def test_it_is_decided_once(api_of: Api, item: ReviewItem) -> None:
    api_of("alice").post(f"{URL}{item.pk}/decide/", {"decision": "good"})
    answer = api_of("emil").post(f"{URL}{item.pk}/decide/", {"decision": "bad"})
    assert (answer.status_code, answer.json()["code"]) == (409, "decided")
    assert api_of("emil").post(f"{URL}{item.pk}/assign/", {"person": "emil"}).json()["code"] == "decided"


def test_what_a_colleague_has_is_left_alone_until_taken_over(api_of: Api, item: ReviewItem) -> None:
    alice, emil = api_of("alice"), api_of("emil")
    assert alice.post(f"{URL}{item.pk}/assign/", {"person": "alice"}).json()["assignee"] == "alice"
    answer = emil.post(f"{URL}{item.pk}/decide/", {"decision": "bad"})
    assert (answer.status_code, answer.json()["code"]) == (409, "taken")
    assert emil.post(f"{URL}{item.pk}/assign/", {"person": "emil"}).status_code == 200
    assert emil.post(f"{URL}{item.pk}/decide/", {"decision": "bad"}).status_code == 200


@pytest.mark.parametrize(("person", "status"), [("emil", 200), (None, 200), ("bob", 422), ("charlie", 422)])
def test_a_case_is_given_to_who_may_decide(api_of: Api, item: ReviewItem, person: str | None, status: int) -> None:
    assert api_of("alice").post(f"{URL}{item.pk}/assign/", {"person": person}, format="json").status_code == status


def test_a_viewer_decides_nothing_and_a_wrong_class_is_named(api_of: Api, item: ReviewItem) -> None:
    assert api_of("bob").post(f"{URL}{item.pk}/decide/", {"decision": "good"}).status_code == 403
    answer = api_of("alice").post(f"{URL}{item.pk}/decide/", {"decision": "perhaps"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "decision")


def test_whom_is_forgotten_leaves_no_case(api_of: Api, reviewing: Deployment, departments: Any) -> None:
    ask(api_of("alice"), [{**ROW, "city": "Anna Muster"}, ROW])
    prediction_log.ship()
    traces.erase(departments.credit_risk.pk, "Anna Muster")
    assert [each.instance for each in ReviewItem.objects.all()] == [1]


@pytest.mark.django_db(transaction=True)
def test_of_two_reviewers_at_once_one_decides(api_of: Api, item: ReviewItem, people: Any) -> None:
    """Both have read the open case before either writes."""
    barrier, told = threading.Barrier(2), []

    def decide(name: str, decision: str) -> None:
        try:
            mine = ReviewItem.objects.select_related("prediction__model_version", "deployment").get(pk=item.pk)
            actor = actor_for(getattr(people, name))
            barrier.wait()
            services.settle(actor=actor, item=mine, decision=decision, is_truth=True)
            told.append(decision)
        except Refused as refused:
            told.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=each) for each in (("alice", "good"), ("emil", "bad"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 2
    assert "decided" in told
    [kept] = [each for each in told if each != "decided"]
    item.refresh_from_db()
    assert item.decision == kept == Outcome.objects.get().value
    assert AuditEvent.objects.filter(verb="review.decide").count() == 1


def test_the_pages(browser_of: Browser, item: ReviewItem) -> None:
    alice = browser_of("alice")
    assert "1 answer waits for a decision" in alice.get("/").content.decode()
    assert str(item.pk)[:8] in alice.get("/reviews/").content.decode()
    page = alice.get(f"/reviews/{item.pk}/").content.decode()
    assert "2,500" in page and "Why this chance" in page and 'data-decide="2"' in page
    assert 'data-decide="1"' not in browser_of("bob").get(f"/reviews/{item.pk}/").content.decode()
    assert browser_of("erin").get(f"/reviews/{item.pk}/").status_code == 404
    alice.post(f"/reviews/{item.pk}/assign/", {"person": "me"})
    item.refresh_from_db()
    assert item.assignee is not None
    done = alice.post(f"/reviews/{item.pk}/decide/", {"decision": "good", "note": "fine"}, follow=True)
    assert "Decided: good." in done.content.decode()
    assert "Nothing waits for a decision" in alice.get("/reviews/").content.decode()
    assert "decided “good”" in alice.get(f"/reviews/{item.pk}/").content.decode()


def test_of_two_who_take_a_free_case_one_gets_it(browser_of: Browser, item: ReviewItem, people: Any) -> None:
    services.take_free(actor=actor_for(people.alice), item=item)
    with pytest.raises(Refused, match="has taken this case"):
        services.take_free(actor=actor_for(people.emil), item=item)
