"""From real predictions to an alert, a notice and a signed webhook; and quietly back (D12, E11)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
from django.conf import settings
from django.utils import timezone

from departments.access import actor_for
from departments.models import Notice, Quota
from serving import prediction_log
from serving.alerts import watch
from serving.alerts.services import set_rule
from serving.models import Alert, Deployment, Prediction, RefusedCalls, TrafficHour, TrafficMinute
from serving.monitoring import windows
from serving.monitoring.references import reference_of
from serving.outcomes.services import Told, take
from serving.runtime.tally import REFUSALS
from tests.serving.monitoring.conftest import rows, truth
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_deliver import later
from webhooks import delivering
from webhooks.models import Endpoint

Ask = Callable[..., list[str]]


def age(**time: float) -> None:
    """As if that much time had passed since the alerts were last clear."""
    for alert in Alert.objects.exclude(clear_since=None):
        Alert.objects.filter(pk=alert.pk).update(clear_since=alert.clear_since - timedelta(**time))


def kinds() -> set[str]:
    return set(Alert.objects.open().values_list("kind", flat=True))


def test_the_reference_is_of_the_training_rows(trained: Deployment) -> None:
    reference = reference_of(trained.model_version_id)
    assert set(reference.columns) == {"age", "income", "city"}
    assert 600 < reference.columns["income"].sketch.sum() < 1200
    assert sorted(reference.columns["city"].bins.labels) == ["Lyon", "Nice", "Paris"]
    assert reference.answers is not None and reference.answers.sketch.sum() > 100


def test_shifted_traffic_is_told_everywhere(
    trained: Deployment, ask: Ask, receiver: Receiver, endpoint: Endpoint, people: SimpleNamespace
) -> None:
    ask(rows(400, 7))
    watch.watch()
    assert kinds() == set(), "traffic like the training rows is no alarm"
    ask(rows(600, 8, shift=900))
    watch.watch()
    assert kinds() == {"drift", "answers"}
    alert = Alert.objects.get(kind="drift")
    assert "income" in alert.text and "age" not in alert.text and "city" not in alert.text
    told = Notice.objects.filter(kind="alert.drift").values_list("person__username", flat=True)
    assert sorted(told) == ["emil", "mona"]
    # The receiver fails once; it gets the event again, and takes it once.
    receiver.answers = [500]
    delivering.deliver_due()
    later(seconds=12)
    delivering.deliver_due()
    assert receiver.types == ["alert.opened", "alert.opened"]
    assert {event["data"]["alert"]["kind"] for event in receiver.taken.values()} == {"drift", "answers"}
    assert len(receiver.requests) == 3, "one of two failed and came again"
    watch.watch()
    assert Alert.objects.count() == 2 and Notice.objects.filter(kind="alert.drift").count() == 2, "told once"


def test_an_alert_closes_when_it_has_been_over_for_a_while(
    trained: Deployment, ask: Ask, receiver: Receiver, endpoint: Endpoint
) -> None:
    ask(rows(300, 8, shift=900))
    watch.watch()
    assert "drift" in kinds()
    TrafficHour.objects.all().delete()
    watch.watch()
    assert "drift" in kinds(), "no traffic says nothing"
    ask(rows(400, 7))
    watch.watch()
    assert "drift" in kinds(), "not at once"
    age(minutes=10)
    watch.watch()
    assert "drift" in kinds()
    age(minutes=10)
    watch.watch()
    assert kinds() == set()
    while delivering.deliver_due():
        pass
    assert sorted(receiver.types) == ["alert.closed", "alert.closed", "alert.opened", "alert.opened"]


def test_what_is_shipped_twice_is_counted_once(trained: Deployment, ask: Ask, api_of: Any) -> None:
    alice = api_of("alice")
    alice.post("/api/v1/deployments/loans/predict/", {"instances": rows(20, 1)}, format="json")
    REFUSALS.add("loans", 422)
    REFUSALS.add("loans", 422)
    for line in REFUSALS.drain(all=True):
        prediction_log._spool().append(line)
    [segment] = (settings.HOME / "spool").iterdir()
    kept = segment.read_bytes()
    prediction_log.ship()

    def counted() -> tuple[Any, ...]:
        hour = TrafficHour.objects.get()
        window = windows.window_of(trained, trained.model_version, 1)
        return hour.calls, hour.rows, hour.columns, hour.answers, hour.callers, window.refused, window.latency

    before = counted()
    assert before[0:2] == (1, 20) and before[5] == {422: 2} and sum(before[2]["age"]) == 20
    (settings.HOME / "spool" / "again.jsonl").write_bytes(kept)
    prediction_log.ship()
    assert counted() == before
    assert TrafficMinute.objects.get().calls == 1 and Prediction.objects.count() == 1


def test_a_large_batch_is_counted_by_a_sample(trained: Deployment, ask: Ask) -> None:
    ask(rows(3000, 3), batch=3000)
    hour = TrafficHour.objects.get()
    assert (hour.calls, hour.rows) == (1, 3000)
    assert sum(hour.columns["age"]) == sum(hour.answers) == 1000


def test_a_window_holds_its_hours(trained: Deployment, ask: Ask) -> None:
    ask(rows(100, 3))
    TrafficHour.objects.update(hour=windows.since(30))
    version = trained.model_version
    assert windows.window_of(trained, version, 24).calls == 0
    week = windows.window_of(trained, version, 168)
    assert (week.calls, week.rows, sum(week.hourly), week.columns["age"].sum()) == (2, 100, 2, 100)


def test_refused_calls_are_counted(trained: Deployment, api_of: Any) -> None:
    """Of callers who were let in; what strangers try is not the deployment's trouble."""
    REFUSALS.drain(all=True)
    url = "/api/v1/deployments/loans/predict/"
    assert api_of("alice").post(url, {"instances": [{"age": "x"}]}, format="json").status_code == 422
    assert api_of("charlie").post(url, {"instances": [{"age": 1}]}, format="json").status_code == 404
    assert REFUSALS.drain() == [], "a minute's counts leave when it is over"
    [line] = REFUSALS.drain(all=True)
    assert (orjson.loads(line)["name"], orjson.loads(line)["status"], orjson.loads(line)["calls"]) == ("loans", 422, 1)


def test_errors(trained: Deployment, ask: Ask, people: SimpleNamespace) -> None:
    ask(rows(30, 1), batch=1)
    refused = {"deployment": trained, "at": timezone.now(), "status": 422}
    RefusedCalls.objects.create(**refused, calls=1)
    watch.judge(trained)
    assert kinds() == set()
    RefusedCalls.objects.create(**refused, calls=9)
    watch.judge(trained)
    alert = Alert.objects.get(kind="errors")
    assert alert.severity == "critical" and "25.0%" in alert.text
    RefusedCalls.objects.all().delete()
    TrafficMinute.objects.all().delete()
    watch.judge(trained)
    age(minutes=20)
    watch.judge(trained)
    assert kinds() == set(), "with no calls there are no errors"


def test_latency(trained: Deployment, ask: Ask, people: SimpleNamespace) -> None:
    ask(rows(30, 1), batch=1)
    set_rule(actor=actor_for(people.emil), deployment=trained, kind="latency", is_on=True, threshold=0.01)
    watch.judge(trained)
    assert kinds() == {"latency"}
    set_rule(actor=actor_for(people.emil), deployment=trained, kind="latency", is_on=False, threshold=0.01)
    watch.judge(trained)
    assert kinds() == set(), "a rule that is off has no alert"


def test_quota(trained: Deployment, ask: Ask, departments: SimpleNamespace) -> None:
    Quota.objects.create(department=departments.credit_risk, predictions=100)
    ask(rows(95, 1))
    watch.judge(trained)
    alert = Alert.objects.get(kind="quota")
    assert "95%" in alert.text and "Credit Risk" in alert.text


def test_performance(trained: Deployment, ask: Ask, people: SimpleNamespace) -> None:
    """Truths that fit the model are no alarm; once the world turns, they are."""
    alice, rng = actor_for(people.alice), np.random.default_rng(0)
    asked = rows(200, 11)
    [request] = ask(asked, batch=200)
    fitting = [Told(request, truth(row, rng), place) for place, row in enumerate(asked)]
    take(actor=alice, deployment=trained, told=fitting[:25])
    watch.judge(trained)
    assert "performance" not in kinds(), "too few to say"
    take(actor=alice, deployment=trained, told=fitting)
    watch.judge(trained)
    assert "performance" not in kinds()
    turned = [Told(request, "late" if each.value == "paid" else "paid", each.instance) for each in fitting]
    take(actor=alice, deployment=trained, told=turned)
    watch.judge(trained)
    assert "coverage" in kinds(), "sets that were made for the old world miss the truths of the new one"
    alert = Alert.objects.get(kind="performance")
    assert alert.severity == "critical" and "accuracy" in alert.text


def test_a_paused_one_is_left_alone(trained: Deployment, ask: Ask) -> None:
    ask(rows(300, 8, shift=900))
    Deployment.objects.update(state="paused")
    watch.watch()
    assert kinds() == set()


def test_trouble_with_one_keeps_no_other_unwatched(trained: Deployment, ask: Ask, monkeypatch: Any) -> None:
    ask(rows(300, 8, shift=900))
    answers = {"model_version": trained.model_version}
    other = Deployment.objects.create(name="other", department=trained.department, **answers)
    TrafficHour.objects.create(deployment=other, hour=windows.since(0), **answers)
    judge = watch.judge
    monkeypatch.setattr(watch, "judge", lambda each: judge(each) if each.name == "loans" else 1 / 0)
    watch.watch()
    assert "drift" in kinds()
