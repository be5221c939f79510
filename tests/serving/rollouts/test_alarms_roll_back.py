"""What an alarm speaks against is taken back with the next shipment of the log, and the reason is kept and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from audit.models import AuditEvent
from departments.models import Notice
from serving import snapshots
from serving.alerts.models import Alert
from serving.models import Deployment, Rollout
from serving.rollouts import watching
from serving.tasks import watch_rollouts
from tests.serving.rollouts.conftest import HALF, PICKY, SHADOW, baked, ship
from tests.serving.rollouts.test_canary import PLAIN, ask_as
from training.models import ModelVersion

Api = Callable[..., APIClient]
Begin = Callable[..., Rollout]


def calls(client: APIClient, many: int = 30, instances: Any = None) -> None:
    assert {ask_as(client, f"k{n}", instances).status_code for n in range(many)} == {200}


def test_failures(
    api_of: Api, deployment: Deployment, make_version: Any, begin: Begin, people: SimpleNamespace
) -> None:
    rollout = begin(make_version(inputs=PICKY), HALF)
    calls(api_of("emil"), instances=[PLAIN])
    ship()
    rollout.refresh_from_db()
    assert (rollout.state, rollout.reason["alarm"], rollout.reason["value"]) == ("rolled_back", "errors", 1.0)
    assert snapshots.build(snapshots.rows().get(pk=deployment.pk)).challenger is None
    event = AuditEvent.objects.get(verb="rollout.roll_back")
    assert (event.rule, event.actor_id, event.details["alarm"]) == ("alarm", None, "errors")
    alert = Alert.objects.get(kind="rollback")
    assert "v2 failed in 100 % of 30 calls" in alert.text
    assert set(Notice.objects.filter(kind="alert.rollback").values_list("person__username", flat=True)) == {
        "emil",
        "mona",
    }


def test_other_answers_in_the_shadow(api_of: Api, deployment: Deployment, make_version: Any, begin: Begin) -> None:
    rollout = begin(make_version(gain=-3.0), SHADOW)
    client = api_of("emil")
    for n in range(40):
        ask_as(client, f"k{n}", [{"age": 20 + n, "income": 1000.0 + 70 * n, "city": "Lyon"}])
    ship()
    rollout.refresh_from_db()
    assert (rollout.state, rollout.reason["alarm"]) == ("rolled_back", "disagreement")


def test_a_slow_challenger(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = begin(challenger, SHADOW)
    real = watching.total

    def slower(rows: Any) -> Any:
        """As if each of the challenger's answers had taken a second."""
        tally = real(rows)
        tally.challenger_compared_in.slots = type(tally.challenger_compared_in.slots)({160: tally.compared})
        return tally

    calls(api_of("emil"))
    monkeypatch.setattr(watching, "total", slower)
    ship()
    rollout.refresh_from_db()
    assert (rollout.state, rollout.reason["alarm"]) == ("rolled_back", "latency")


@pytest.mark.parametrize(("kind", "alarm"), [("drift", "drift"), ("answers", "drift"), ("coverage", "coverage")])
def test_what_monitoring_finds(
    deployment: Deployment, challenger: ModelVersion, begin: Begin, kind: str, alarm: str
) -> None:
    deaf = begin(challenger, SHADOW, alarms={alarm: False})
    opened = {"deployment": deployment, "department": deployment.department, "kind": kind, "severity": "warning"}
    alert = Alert.objects.create(**opened)
    assert watch_rollouts() == 0, "it was asked not to listen"
    Rollout.objects.filter(pk=deaf.pk).update(alarms={alarm: True})
    assert watch_rollouts() == 1
    deaf.refresh_from_db()
    assert deaf.reason["alarm"] == alarm
    again = begin(challenger, SHADOW)
    assert watch_rollouts() == 0, "what was known before the rollout began is not the challenger's doing"
    assert alert.opened_at < again.created_at


def test_a_frozen_challenger(deployment: Deployment, challenger: ModelVersion, begin: Begin) -> None:
    rollout = begin(challenger, SHADOW)
    ended = {"grant": "g", "owner": "Clinic", "at": timezone.now().isoformat(), "choice": "freeze", "until": None}
    ModelVersion.objects.filter(pk=challenger.pk).update(revocations=[ended])
    assert watch_rollouts() == 1
    rollout.refresh_from_db()
    assert rollout.reason["alarm"] == "revoked"


def test_a_good_challenger_stays(api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin) -> None:
    rollout = begin(challenger, HALF)
    for _ in range(3):
        calls(api_of("emil"))
        ship()
    rollout.refresh_from_db()
    assert rollout.state == "running"


def test_bad_news_after_much_good_comes_at_once(
    api_of: Api, deployment: Deployment, make_version: Any, begin: Begin
) -> None:
    """A hundred thousand good calls of the same step do not water the last seconds down."""
    rollout = begin(make_version(inputs=PICKY), HALF)
    rollout.tallies.create(
        step=0, at=timezone.now() - timedelta(minutes=5), counts={"tried": 100_000, "challenger": 100_000}
    )
    calls(api_of("emil"), instances=[PLAIN])
    ship()
    rollout.refresh_from_db()
    assert rollout.state == "rolled_back"


def test_the_clock_takes_a_step_when_it_has_baked(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin
) -> None:
    from serving.rollouts.steps import Step

    rollout = begin(challenger, Step("shadow", 0.0, 10, 30), Step("canary", 0.5, 10, 0))
    calls(api_of("emil"), 10)
    ship()
    baked(rollout, 9)
    assert watch_rollouts() == 0, "not yet"
    baked(rollout, 11)
    assert watch_rollouts() == 0, "10 of 30 calls"
    calls(api_of("emil"), 20)
    ship()
    rollout.refresh_from_db()
    assert (rollout.step, rollout.state) == (1, "running")
    baked(rollout, 11)
    assert watch_rollouts() == 1
    rollout.refresh_from_db()
    deployment.refresh_from_db()
    assert (rollout.state, deployment.model_version_id) == ("promoted", challenger.pk)
    assert Notice.objects.filter(kind="rollout.promoted", person__username="mona").exists()


def test_counts_that_are_past_are_folded(deployment: Deployment, challenger: ModelVersion, begin: Begin) -> None:
    rollout = begin(challenger, HALF)
    hour = (timezone.now() - timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    for second in range(0, 3000, 5):
        rollout.tallies.create(step=0, at=hour + timedelta(seconds=second), counts={"tried": 1, "failed": 0})
    rollout.tallies.create(step=0, at=timezone.now().replace(minute=1), counts={"tried": 1})
    watching.fold()
    watching.fold()
    assert rollout.tallies.filter(at__lte=hour + timedelta(hours=1)).count() == 1
    assert watching.total(list(rollout.tallies.all())).tried == 601
