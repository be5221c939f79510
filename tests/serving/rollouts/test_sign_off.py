"""A model that learned from another department's data answers callers when that department says so."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEvent
from datasets.models import Dataset, DatasetVersion
from departments.models import Membership, Notice
from serving.models import Deployment, Rollout, SignOff
from serving.rollouts.steps import Step
from serving.tasks import watch_rollouts
from tests.serving.rollouts.conftest import HALF, URL, baked
from tests.serving.test_deploy import LIST, body
from training.models import ModelVersion, TrainingRun

Api = Callable[..., APIClient]
INBOX = "/api/v1/sign-offs/"


def table_of(department: Any, name: str, **kwargs: Any) -> DatasetVersion:
    dataset = Dataset.objects.create(department=department, name=name)
    return DatasetVersion.objects.create(dataset=dataset, department=department, number=1, state="ready", **kwargs)


def learned_from(version: ModelVersion, table: DatasetVersion, steps: Any = ()) -> ModelVersion:
    version.run = TrainingRun.objects.create(
        department=version.department, name="run", dataset_version=table, target="risk", steps=list(steps)
    )
    version.save(update_fields=["run"])
    return version


@pytest.fixture
def clara(people: SimpleNamespace, departments: SimpleNamespace) -> Any:
    """Clara manages the Clinic."""
    people.clara = User.objects.create(username="clara", full_name="Clara")
    Membership.objects.create(department=departments.clinic, person=people.clara, role="manager")
    return people.clara


@pytest.fixture
def patients(departments: SimpleNamespace, clara: Any) -> DatasetVersion:
    return table_of(departments.clinic, "Patients")


@pytest.fixture
def borrowed(version: ModelVersion, patients: DatasetVersion) -> ModelVersion:
    return learned_from(version, patients)


def test_it_is_not_deployed_without_the_owners_word(api_of: Api, borrowed: ModelVersion, departments: Any) -> None:
    emil = api_of("emil")
    refused = emil.post(LIST, body(borrowed))
    assert (refused.status_code, refused.json()["code"]) == (409, "sign-off")
    assert "Clara" in refused.json()["detail"] and "Clinic" in refused.json()["detail"]
    assert not Deployment.objects.exists()
    assert Notice.objects.get(kind="sign-off.open").person.username == "clara"
    emil.post(LIST, body(borrowed))
    [asked] = api_of("clara").get(INBOX).json()["results"]
    assert (asked["owner"], asked["datasets"], asked["state"]) == ("clinic", ["Patients"], "open")
    said = api_of("clara").post(f"{INBOX}{asked['id']}/approve/", {"reason": "Checked with our ethics board."})
    assert (said.status_code, said.json()["state"], said.json()["decided_by"]) == (200, "approved", "clara")
    assert emil.post(LIST, body(borrowed)).status_code == 201
    assert set(Notice.objects.filter(kind="sign-off.approved").values_list("person__username", flat=True)) == {
        "emil",
        "mona",
    }
    event = AuditEvent.objects.get(verb="sign_off.approved")
    assert (event.actor_name, event.department_id) == ("clara", departments.clinic.pk)
    assert "ethics" not in str(event.details)


def test_own_data_needs_none(api_of: Api, version: ModelVersion, departments: SimpleNamespace) -> None:
    learned_from(version, table_of(departments.credit_risk, "Loans"))
    assert api_of("emil").post(LIST, body(version)).status_code == 201


def test_joined_and_prepared_data_count(
    version: ModelVersion, make_version: Any, departments: SimpleNamespace, patients: DatasetVersion
) -> None:
    from serving.rollouts.sign_offs import needed_for

    own = table_of(departments.credit_risk, "Loans")
    params = {"table": f"{patients.dataset_id}@1", "keys": {"age": "age"}, "columns": ["weight"]}
    join = {"step": "join", "columns": [], "params": params}
    joined = learned_from(version, own, [join])
    prepared = learned_from(make_version(), table_of(departments.credit_risk, "Kept", derived_from=patients))
    for each in (joined, prepared):
        [needed] = needed_for(each)
        assert (needed.owner.slug, needed.datasets) == ("clinic", ("Patients",))


def test_a_refusal_keeps_the_way_closed_and_may_be_asked_again(api_of: Api, borrowed: ModelVersion) -> None:
    emil, clara = api_of("emil"), api_of("clara")
    emil.post(LIST, body(borrowed))
    one = SignOff.objects.get()
    assert clara.post(f"{INBOX}{one.pk}/refuse/", {}).status_code == 422
    assert clara.post(f"{INBOX}{one.pk}/refuse/", {"reason": "Not for this purpose."}).json()["state"] == "refused"
    assert clara.post(f"{INBOX}{one.pk}/approve/", {"reason": "Well."}).json()["code"] == "sign-off-closed"
    assert emil.post(LIST, body(borrowed)).json()["code"] == "sign-off"
    assert SignOff.objects.count() == 2


@pytest.mark.parametrize(
    ("person", "status"),
    {"clara": 200, "dana": 404, "emil": 404, "mona": 403, "erin": 403, "charlie": 404, "mallory": 404}.items(),
)
def test_who_may_sign(api_of: Api, borrowed: ModelVersion, person: str, status: int) -> None:
    api_of("emil").post(LIST, body(borrowed))
    one = SignOff.objects.get()
    found = api_of(person).post(f"{INBOX}{one.pk}/approve/", {"reason": "Fine."}).status_code
    # Members of the asking department follow it and do not sign.
    assert found == (403 if person == "emil" else status)


def test_the_shadow_needs_none_and_a_live_step_waits(
    api_of: Api,
    deployment: Deployment,
    challenger: ModelVersion,
    patients: DatasetVersion,
    begin: Callable[..., Rollout],
) -> None:
    learned_from(challenger, patients)
    rollout = begin(challenger, Step("shadow", 0.0, 1, 0), HALF)
    baked(rollout)
    assert watch_rollouts() == 0
    emil = api_of("emil")
    one = f"{URL}rollouts/{rollout.pk}/"
    assert emil.get(one).json()["waits_for"] == ["clinic"]
    assert emil.post(one + "advance/", {}).json()["code"] == "sign-off"
    assert emil.patch(URL, {"traffic": [{"version": str(challenger.pk), "share": 1}]}).json()["code"] == "sign-off"
    assert emil.post(URL + "rollouts/", {"model_version": str(challenger.pk)}).json()["code"] == "rollout-active"
    api_of("clara").post(f"{INBOX}{SignOff.objects.get().pk}/approve/", {"reason": "Fine."})
    assert watch_rollouts() == 1
    assert emil.get(one).json()["step"] == 1


def test_a_live_first_step_is_refused(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, patients: DatasetVersion
) -> None:
    learned_from(challenger, patients)
    asked = {"model_version": str(challenger.pk), "steps": [{"mode": "canary", "share": 0.1}]}
    assert api_of("emil").post(URL + "rollouts/", asked).json()["code"] == "sign-off"
    assert api_of("emil").patch(URL, {"model_version": str(challenger.pk)}).json()["code"] == "sign-off"
    assert SignOff.objects.count() == 1


@pytest.mark.parametrize(
    ("department", "deployment_rule", "needed"),
    [
        (None, None, False), (True, None, True), (False, None, False),
        (None, True, True), (True, False, False), (False, True, True), (True, True, True),
    ],
)  # fmt: skip
def test_own_data_as_the_rules_say(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, department: Any, deployment_rule: Any, needed: bool
) -> None:
    mona, words = api_of("mona"), {True: "always", False: "never"}
    if department is not None:
        assert mona.put("/api/v1/departments/credit-risk/sign-off/", {"own_data": words[department]}).status_code == 200
    if deployment_rule is not None:
        assert mona.patch(URL, {"sign_off": words[deployment_rule]}).json()["sign_off"] == words[deployment_rule]
    answered = api_of("emil").patch(URL, {"model_version": str(challenger.pk)})
    assert (answered.status_code == 409) is needed, answered.content
    if needed:
        one = f"{INBOX}{SignOff.objects.get().pk}/approve/"
        assert api_of("emil").post(one, {"reason": "Mine."}).status_code == 403
        assert mona.post(one, {"reason": "Looked at."}).status_code == 200
        assert api_of("emil").patch(URL, {"model_version": str(challenger.pk)}).status_code == 200


def test_nobody_signs_what_they_asked_for(api_of: Api, deployment: Deployment, challenger: ModelVersion) -> None:
    mona = api_of("mona")
    mona.patch(URL, {"sign_off": "always"})
    mona.patch(URL, {"model_version": str(challenger.pk)})
    refused = mona.post(f"{INBOX}{SignOff.objects.get().pk}/approve/", {"reason": "Mine."})
    assert (refused.status_code, refused.json()["code"]) == (403, "not-signer")


def test_only_managers_set_rules(api_of: Api, deployment: Deployment) -> None:
    assert api_of("emil").patch(URL, {"sign_off": "always"}).status_code == 403


def test_on_the_pages(browser_of: Callable[[str], Client], borrowed: ModelVersion, people: Any) -> None:
    browser_of("emil").post("/deployments/new/", {"model_version": str(borrowed.pk), "name": "risk"})
    clara = browser_of("clara")
    page = f"/sign-offs/{SignOff.objects.get().pk}/"
    assert page in clara.get("/").content.decode()
    assert "Patients" in clara.get(page).content.decode()
    assert clara.post(page + "answer/", {"answer": "approve", "reason": ""}).status_code == 422
    assert clara.post(page + "answer/", {"answer": "approve", "reason": "Fine."}).status_code == 302
    shown = browser_of("emil").get(page).content.decode()
    assert "Fine." in shown and "Your answer" not in shown
