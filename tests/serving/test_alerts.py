"""A problem of a deployment is told once, to who can mend it: in the app, and to webhooks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from audit.models import AuditEvent
from departments.access import actor_for
from departments.models import Notice
from departments.notices import text_of
from rest.problems import Refused
from serving.alerts.kinds import KINDS
from serving.alerts.models import Alert
from serving.alerts.services import acknowledge, close_alert, raise_alert, rules_of, set_rule
from serving.models import Deployment
from tests.webhooks.conftest import endpoint, receiver  # noqa: F401
from tests.webhooks.receiver import Receiver
from webhooks import delivering
from webhooks.models import Endpoint


def told(kind: str) -> list[str]:
    return sorted(Notice.objects.filter(kind=kind).values_list("person__username", flat=True))


def test_it_works(deployment: Deployment, people: SimpleNamespace, receiver: Receiver, endpoint: Endpoint) -> None:  # noqa: F811
    alert = raise_alert(deployment, "rollback", "critical", "errors rose to 8 %", {"from": 3, "to": 2})
    assert told("alert.rollback") == ["emil", "mona"], "engineers and managers, who can do something"
    notice = Notice.objects.filter(kind="alert.rollback")[0]
    assert text_of(notice) == "“credit-scoring” went back to the version before: errors rose to 8 %"
    delivering.deliver_due()
    close_alert(alert)
    delivering.deliver_due()
    assert receiver.types == ["alert.opened", "alert.closed"]
    opened, closed = receiver.taken.values()
    assert opened["data"]["alert"]["id"] == closed["data"]["alert"]["id"] == str(alert.pk)
    assert opened["data"]["deployment"]["name"] == "credit-scoring"
    assert opened["data"]["alert"]["details"]["from"] == 3
    assert told("alert.rollback.closed") == ["emil", "mona"]
    assert set(AuditEvent.objects.filter(object_kind="alert").values_list("verb", flat=True)) == {
        "alert.open",
        "alert.close",
    }


def test_the_same_problem_is_told_once(deployment: Deployment, people: SimpleNamespace) -> None:
    first = raise_alert(deployment, "errors", "warning", details={"share": "6 %", "minutes": 10})
    again = raise_alert(deployment, "errors", "warning", details={"share": "7 %", "minutes": 10})
    assert first.pk == again.pk and again.details["share"] == "7 %"
    assert told("alert.errors") == ["emil", "mona"]
    raise_alert(deployment, "errors", "critical", details={"share": "30 %", "minutes": 10})
    assert told("alert.errors") == ["emil", "emil", "mona", "mona"], "once more when it becomes critical"
    raise_alert(deployment, "errors", "warning", details={"share": "6 %", "minutes": 10})
    assert Alert.objects.get().severity == "critical", "and not less so until it is over"


def test_after_it_was_over_it_is_a_new_one(deployment: Deployment, people: SimpleNamespace) -> None:
    close_alert(raise_alert(deployment, "rollback", "critical", "x"))
    raise_alert(deployment, "rollback", "critical", "y")
    assert Alert.objects.count() == 2 and Alert.objects.open().count() == 1


def test_an_unknown_kind_is_an_error(deployment: Deployment) -> None:
    with pytest.raises(KeyError):
        raise_alert(deployment, "boredom", "warning")


def test_people(deployment: Deployment, people: SimpleNamespace) -> None:
    alert = raise_alert(deployment, "rollback", "critical", "x")
    with pytest.raises(Refused):
        acknowledge(actor=actor_for(people.alice), alert=alert)
    acknowledge(actor=actor_for(people.emil), alert=alert)
    assert (alert.state, alert.acknowledged_by_id) == ("acknowledged", people.emil.pk)
    close_alert(alert, actor=actor_for(people.emil))
    assert (alert.state, alert.closed_by_id) == ("closed", people.emil.pk)
    with pytest.raises(Refused, match="closed already"):
        acknowledge(actor=actor_for(people.emil), alert=alert)
    assert list(Alert.objects.visible_to(actor_for(people.charlie))) == []
    assert list(Alert.objects.visible_to(actor_for(people.bob))) == [alert]


def test_rules(deployment: Deployment, people: SimpleNamespace) -> None:
    assert all(rule.is_on for rule in rules_of(deployment).values()), "on by default"
    emil = {"actor": actor_for(people.emil), "deployment": deployment}
    set_rule(**emil, kind="latency", is_on=True, threshold=50)
    set_rule(**emil, kind="drift", is_on=False, threshold=0.3, hours=168)
    rules = rules_of(deployment)
    assert (rules["latency"].threshold, rules["drift"].is_on, rules["drift"].hours) == (50, False, 168)
    for wrong in ({"kind": "rollback"}, {"threshold": 0}, {"threshold": float("nan")}, {"hours": 7}):
        with pytest.raises(Refused):
            set_rule(**{**emil, "kind": "drift", "is_on": True, "threshold": 1, **wrong})
    with pytest.raises(Refused):
        set_rule(actor=actor_for(people.alice), deployment=deployment, kind="drift", is_on=False, threshold=1)


def test_every_kind_reads_well(deployment: Deployment) -> None:
    names = ("columns", "value", "metric", "tested", "share", "minutes", "department", "promised", "message")
    details = {"name": "credit-scoring", **{name: f"<{name}>" for name in names}}
    for kind in KINDS:
        text = Alert(kind=kind, deployment=deployment, details=details).text
        assert "credit-scoring" in text and "%(" not in text and "%%" not in text
