"""The one decision function and the visibility queryset agree, and change with the clock."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import Http404
from django.utils import timezone

from datasets.models import Dataset
from departments.access import GRANTABLE, NOBODY, Verb, actor_for, decide, require
from departments.ending import revoke_grant
from departments.models import Grant, Membership
from departments.services import create_grant, remove_member, set_member
from rest.problems import Refused


@pytest.fixture
def dataset(departments: SimpleNamespace, people: SimpleNamespace) -> Dataset:
    return Dataset.objects.create(department=departments.credit_risk, name="loans", created_by=people.alice)


def grant(dataset: Dataset, departments: SimpleNamespace, *verbs: str, **when: Any) -> Grant:
    return create_grant(obj=dataset, department=departments.clinic, verbs=verbs, created_by=None, **when)


READER = {"discover", "preview", "export"}
ANALYST = READER | {"create", "edit", "train", "federate", "predict"}
MEMBERS = {
    "bob": READER,
    "alice": ANALYST,
    "emil": ANALYST | {"deploy"},
    "mona": ANALYST | {"deploy", "manage"},
    "erin": {"discover"},
    "charlie": set(),
    "dana": set(),
    "mallory": set(),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_roles(name: str, people: SimpleNamespace, dataset: Dataset) -> None:
    actor = actor_for(getattr(people, name))
    assert {verb.value for verb in Verb if decide(actor, verb, dataset).allowed} == MEMBERS[name]


def test_list_and_decision_agree(people: SimpleNamespace, dataset: Dataset, departments: SimpleNamespace) -> None:
    grant(dataset, departments, "train")
    for person in vars(people).values():
        actor = actor_for(person)
        listed = Dataset.objects.visible_to(actor).filter(pk=dataset.pk).exists()
        assert listed == decide(actor, Verb.DISCOVER, dataset).allowed == decide(actor, Verb.EDIT, dataset).visible


@pytest.mark.parametrize("verb", GRANTABLE)
def test_grant_gives_its_verbs_and_discover(
    verb: Verb, people: SimpleNamespace, dataset: Dataset, departments: SimpleNamespace
) -> None:
    grant(dataset, departments, verb)
    dana = actor_for(people.dana)
    assert {v for v in Verb if decide(dana, v, dataset).allowed} == {verb, Verb.DISCOVER}
    assert not decide(actor_for(people.charlie), verb, dataset).visible


def test_grant_ends_by_the_clock(
    people: SimpleNamespace, dataset: Dataset, departments: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = timezone.now() + timedelta(hours=1)
    grant(dataset, departments, "preview", expires_at=end)
    dana = actor_for(people.dana)
    for moment, allowed in ((end - timedelta(seconds=1), True), (end, False), (end + timedelta(seconds=1), False)):
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        assert decide(dana, Verb.PREVIEW, dataset).allowed is allowed
        assert Dataset.objects.visible_to(dana).exists() is allowed


def test_grant_does_not_hold_before_its_start(
    people: SimpleNamespace, dataset: Dataset, departments: SimpleNamespace
) -> None:
    grant(dataset, departments, "preview", starts_at=timezone.now() + timedelta(days=1))
    assert not decide(actor_for(people.dana), Verb.DISCOVER, dataset).visible


def test_revoked_grant_is_gone(people: SimpleNamespace, dataset: Dataset, departments: SimpleNamespace) -> None:
    given = grant(dataset, departments, "preview")
    revoke_grant(grant=given)
    with pytest.raises(Http404):
        require(actor_for(people.dana), Verb.PREVIEW, dataset)


def test_visible_but_not_allowed_names_the_rule(
    people: SimpleNamespace, dataset: Dataset, departments: SimpleNamespace
) -> None:
    with pytest.raises(Refused) as role:
        require(actor_for(people.bob), Verb.TRAIN, dataset)
    assert (role.value.status, role.value.code) == (403, "role-viewer")
    grant(dataset, departments, "preview")
    with pytest.raises(Refused) as verbs:
        require(actor_for(people.dana), Verb.TRAIN, dataset)
    assert (verbs.value.status, verbs.value.code) == (403, "grant-verbs")


def test_viewer_does_not_train_on_borrowed_data(
    people: SimpleNamespace, dataset: Dataset, departments: SimpleNamespace
) -> None:
    grant(dataset, departments, "train", "preview")
    Membership.objects.create(department=departments.clinic, person=people.mallory, role="viewer")
    mallory = actor_for(people.mallory)
    assert decide(mallory, Verb.PREVIEW, dataset).allowed
    assert not decide(mallory, Verb.TRAIN, dataset).allowed


def test_viewer_at_home_may_hold_a_grant_elsewhere(
    people: SimpleNamespace, dataset: Dataset, departments: SimpleNamespace
) -> None:
    grant(dataset, departments, "train")
    Membership.objects.create(department=departments.clinic, person=people.bob, role="analyst")
    assert decide(actor_for(people.bob), Verb.TRAIN, dataset).allowed


def test_nobody_sees_nothing(dataset: Dataset) -> None:
    assert not any(decide(NOBODY, verb, dataset).visible for verb in Verb)
    assert not Dataset.objects.visible_to(NOBODY).exists()


def test_last_manager_stays(people: SimpleNamespace, departments: SimpleNamespace) -> None:
    membership = Membership.objects.get(person=people.mona)
    with pytest.raises(Refused, match="at least one manager"):
        remove_member(membership=membership)
    with pytest.raises(Refused, match="at least one manager"):
        set_member(department=departments.credit_risk, person=people.mona, role="viewer")
    set_member(department=departments.credit_risk, person=people.emil, role="manager")
    remove_member(membership=membership)
    assert not decide(actor_for(people.mona), Verb.DISCOVER, Dataset(department=departments.credit_risk)).visible


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"verbs": []}, "verbs"),
        ({"verbs": ["deploy"]}, "verbs"),
        ({"department": "credit_risk"}, "department"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "expires_at"),
    ],
)
def test_impossible_grant_is_refused(
    changes: dict[str, Any], field: str, dataset: Dataset, departments: SimpleNamespace
) -> None:
    wanted: dict[str, Any] = {"verbs": ["preview"], "department": "clinic"} | changes
    wanted["department"] = getattr(departments, wanted["department"])
    with pytest.raises(Refused) as refused:
        create_grant(obj=dataset, created_by=None, **wanted)
    assert refused.value.errors[0]["field"] == field
