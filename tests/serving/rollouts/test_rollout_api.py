"""A rollout over REST: begun, moved on, held, taken back, and traffic set as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from departments.access import Actor
from rest.problems import Refused
from serving.models import Deployment, Rollout, Switch
from serving.rollouts import services
from tests.serving.rollouts.conftest import HALF, SHADOW, URL
from training.engine.data import finding
from training.models import ModelVersion

Api = Callable[..., APIClient]
Begin = Callable[..., Rollout]
LIST = URL + "rollouts/"


def test_it_works(api_of: Api, deployment: Deployment, challenger: ModelVersion) -> None:
    emil = api_of("emil")
    made = emil.post(LIST, {"model_version": str(challenger.pk)})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert [(step["mode"], step["share"]) for step in shown["steps"]] == [
        ("shadow", 0.0), ("canary", 0.05), ("canary", 0.25), ("canary", 1.0)
    ]  # fmt: skip
    one = f"{LIST}{shown['id']}/"
    assert emil.get(URL).json()["rollout"] == shown["id"]
    for step in (1, 2, 3):
        moved = emil.post(one + "advance/", {"step": step - 1}).json()
        assert (moved["step"], moved["state"]) == (step, "running")
    shares = [(part["number"], part["share"], part["mode"]) for part in emil.get(URL).json()["traffic"]]
    assert shares == [(1, 0.0, "live"), (2, 1.0, "live")]
    assert emil.post(one + "advance/", {}).json()["state"] == "promoted"
    assert emil.get(URL).json()["model_version"] == str(challenger.pk)
    assert emil.get(one + "figures/").json()["compared"] == 0
    assert [row["id"] for row in emil.get(LIST).json()["results"]] == [shown["id"]]


def test_one_click_back_after_the_whole_way(api_of: Api, deployment: Deployment, challenger: ModelVersion) -> None:
    emil, first = api_of("emil"), str(deployment.model_version_id)
    rollout = emil.post(LIST, {"model_version": str(challenger.pk), "steps": [{"mode": "canary", "share": 1}]}).json()
    emil.post(f"{LIST}{rollout['id']}/advance/", {})
    back = emil.post(URL + "rollback/", {"reason": "It is too strict."})
    assert (back.status_code, back.json()["model_version"]) == (200, first)
    whys = [(switch["why"], switch["after"]) for switch in emil.get(URL + "switches/").json()["results"]]
    assert whys == [("rolled_back", first), ("promoted", str(challenger.pk))]
    assert emil.post(URL + "rollback/", {}).json()["code"] == "nothing-before"


def test_back_goes_farther_with_each_click(api_of: Api, deployment: Deployment, make_version: Any) -> None:
    emil, first = api_of("emil"), str(deployment.model_version_id)
    second, third = str(make_version().pk), str(make_version().pk)
    for version in (second, third):
        emil.patch(URL, {"model_version": version})
    assert [emil.post(URL + "rollback/", {}).json()["model_version"] for _ in range(2)] == [second, first]
    assert Switch.objects.count() == 4


def test_only_one_at_a_time(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin, make_version: Any
) -> None:
    begin(challenger, SHADOW)
    emil, other = api_of("emil"), str(make_version().pk)
    for refused in (
        emil.post(LIST, {"model_version": other}),
        emil.patch(URL, {"model_version": other}),
        emil.patch(URL, {"traffic": [{"version": other, "share": 1}]}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "rollout-active")


def test_the_second_of_two_who_advance_skips_no_step(
    deployment: Deployment, challenger: ModelVersion, begin: Begin, emil: Actor
) -> None:
    from serving.rollouts.steps import DEFAULT

    rollout = begin(challenger, *DEFAULT)
    mine, theirs = Rollout.objects.get(), Rollout.objects.get()
    services.advance(actor=emil, rollout=mine)
    with pytest.raises(Refused) as refused:
        services.advance(actor=emil, rollout=theirs)
    assert refused.value.code == "moved-on"
    rollout.refresh_from_db()
    assert rollout.step == 1


def test_a_change_over_a_stale_copy_is_412(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin
) -> None:
    emil, rollout = api_of("emil"), begin(challenger, SHADOW, HALF)
    one = f"{LIST}{rollout.pk}/"
    etag = emil.get(one)["ETag"]
    assert emil.post(one + "pause/", headers={"If-Match": etag}).json()["state"] == "paused"
    assert emil.post(one + "advance/", {}, headers={"If-Match": etag}).status_code == 412
    assert emil.post(one + "resume/").json()["state"] == "running"
    back = emil.post(one + "rollback/", {"reason": "Not today."}).json()
    assert (back["state"], back["reason"]) == ("rolled_back", {"said": "Not today."})
    assert emil.post(one + "advance/", {}).json()["code"] == "rollout-ended"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [{"mode": "canary", "share": 0}]}, "steps[0].share"),
        ({"steps": [{"mode": "canary", "share": 0.5}, {"mode": "canary", "share": 0.5}]}, "steps[1].share"),
        ({"steps": [{"mode": "canary", "share": 0.5}, {"mode": "shadow"}]}, "steps[1].share"),
        ({"steps": [{"mode": "shadow", "share": 0.5}]}, "steps[0].share"),
        ({"alarms": {"errors": 2}}, "alarms.errors"),
        ({"model_version": None}, "model_version"),
    ],
)
def test_what_cannot_be_names_its_field(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, change: dict[str, Any], field: str
) -> None:
    refused = api_of("emil").post(LIST, {"model_version": str(challenger.pk), **change})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


def test_a_challenger_answers_the_same_question(api_of: Api, deployment: Deployment, make_version: Any) -> None:
    other, same = make_version(task="regression", name="Amount"), deployment.model_version
    for version in (other, same):
        assert api_of("emil").post(LIST, {"model_version": str(version.pk)}).status_code == 422


def test_open_findings_close_the_way(api_of: Api, deployment: Deployment, challenger: ModelVersion) -> None:
    challenger.card = {
        "findings": [finding("leakage", "error", "Too good.", ["age"], test="AUC", value=1, threshold=0.95)]
    }
    challenger.save()
    emil = api_of("emil")
    assert emil.post(LIST, {"model_version": str(challenger.pk)}).json()["code"] == "open-findings"
    said = {"model_version": str(challenger.pk), "override_reason": "Known when the customer asks."}
    assert emil.post(LIST, said).status_code == 201


def test_traffic_is_set_as_a_whole(api_of: Api, deployment: Deployment, challenger: ModelVersion) -> None:
    emil, one, two = api_of("emil"), str(deployment.model_version_id), str(challenger.pk)

    def to(*parts: tuple[str, float, str]) -> list[tuple[int, float, str]]:
        answered = emil.patch(URL, {"traffic": [{"version": v, "share": s, "mode": m} for v, s, m in parts]})
        assert answered.status_code == 200, answered.content
        return [(part["number"], part["share"], part["mode"]) for part in answered.json()["traffic"]]

    assert to((one, 1, "live"), (two, 0, "shadow")) == [(1, 1.0, "live"), (2, 0.0, "shadow")]
    assert to((one, 0.9, "live"), (two, 0.1, "live")) == [(1, 0.9, "live"), (2, 0.1, "live")]
    salt = Rollout.objects.get().salt
    assert to((one, 0.6, "live"), (two, 0.4, "live")) == [(1, 0.6, "live"), (2, 0.4, "live")]
    assert Rollout.objects.get().salt == salt, "no key moves back"
    assert to((one, 1, "live")) == [(1, 1.0, "live")]
    assert Rollout.objects.get().state == "rolled_back"
    assert to((two, 1, "live")) == [(2, 1.0, "live")]
    assert Switch.objects.get().why == "repointed"


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [("one", 0.5, "live")],
        [("two", 0.5, "live")],
        [("one", 1, "shadow")],
        [("one", 0.5, "live"), ("two", 0.6, "live")],
    ],
)
def test_traffic_that_cannot_be_is_422(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, parts: list[tuple[str, float, str]]
) -> None:
    ids = {"one": str(deployment.model_version_id), "two": str(challenger.pk)}
    asked = {"traffic": [{"version": ids[v], "share": share, "mode": mode} for v, share, mode in parts]}
    assert api_of("emil").patch(URL, asked).status_code == 422


def test_others_see_no_traffic(api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin) -> None:
    begin(challenger, SHADOW)
    shown = api_of("erin").get(URL).json()
    assert (shown["traffic"], shown["rollout"], shown["sign_off"]) == (None, None, None)
    assert api_of("erin").get(LIST).status_code == 403
