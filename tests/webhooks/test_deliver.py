"""Events reach who asked for them: signed, tried again, once in effect, and nowhere that they may not go (E11, D9)."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from django.db import transaction
from django.utils import timezone

from departments.access import actor_for
from departments.models import Notice
from rest.problems import Refused
from tests.webhooks.receiver import Receiver, verified
from webhooks import delivering, sending, services
from webhooks.events import emit
from webhooks.models import Attempt, Delivery, Endpoint, Event

DATA = {"run": {"id": "1", "name": "x"}}


def later(**time: float) -> None:
    """As if that much time had passed for what waits."""
    for delivery in Delivery.objects.exclude(due_at=None):
        Delivery.objects.filter(pk=delivery.pk).update(due_at=delivery.due_at - timedelta(**time))


def test_it_works(receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace) -> None:
    event = emit(departments.credit_risk.pk, "run.finished", DATA)
    assert event is not None and delivering.deliver_due() == 1
    [(headers, body)] = receiver.requests
    assert headers["webhook-id"] == str(event.pk)
    assert headers["content-type"] == "application/json"
    assert orjson.loads(body) == {"type": "run.finished", "timestamp": event.created_at.isoformat(), "data": DATA}
    assert receiver.types == ["run.finished"]
    assert Delivery.objects.get().state == "delivered"
    assert Attempt.objects.get().status == 204
    assert delivering.deliver_due() == 0


def test_the_signature_is_the_specifications(receiver: Receiver) -> None:
    """The example of the Standard Webhooks specification's own test suite."""
    from webhooks.signing import sign

    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_failure_is_tried_again_with_the_same_id(
    receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace
) -> None:
    receiver.answers = [500, 503]
    emit(departments.credit_risk.pk, "run.finished", DATA)
    assert delivering.deliver_due() == 0
    assert delivering.deliver_due() == 0, "not before its time"
    assert len(receiver.requests) == 1
    later(seconds=12)
    delivering.deliver_due()
    later(seconds=70)
    assert delivering.deliver_due() == 1
    assert len({headers["webhook-id"] for headers, _body in receiver.requests}) == 1
    assert len({body for _headers, body in receiver.requests}) == 1
    assert [each.status for each in Attempt.objects.order_by("at")] == [500, 503, 204]


def test_eight_tries_take_a_day() -> None:
    assert delivering.TRIES == 8
    assert timedelta(hours=23) < sum(delivering.WAITS, timedelta()) < timedelta(hours=25)


def test_what_takes_nothing_for_a_day_is_turned_off(
    receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace, people: SimpleNamespace
) -> None:
    receiver.answers = [500] * 8
    emit(departments.credit_risk.pk, "run.finished", DATA)
    for _ in range(8):
        delivering.deliver_due()
        later(hours=20)
    endpoint.refresh_from_db()
    assert len(receiver.requests) == 8 and not endpoint.is_active and endpoint.disabled_reason
    assert Delivery.objects.get().state == "failed"
    assert [notice.person.username for notice in Notice.objects.filter(kind="webhook.disabled")] == ["mona"]
    assert emit(departments.credit_risk.pk, "run.finished", DATA) is None

    mona = actor_for(people.mona)
    with pytest.raises(Refused, match="turned off"):
        services.send_again(actor=mona, delivery=Delivery.objects.get())
    services.change_endpoint(actor=mona, endpoint=endpoint, is_active=True)
    services.send_again(actor=mona, delivery=Delivery.objects.get())
    assert delivering.deliver_due() == 1


def test_one_that_took_something_meanwhile_stays_on(
    receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace
) -> None:
    receiver.answers = [500]
    emit(departments.credit_risk.pk, "run.finished", DATA)
    delivering.deliver_due()
    emit(departments.credit_risk.pk, "alert.opened", {})
    assert delivering.deliver_due() == 1
    receiver.answers = [500] * 7
    for _ in range(7):
        later(hours=20)
        delivering.deliver_due()
    endpoint.refresh_from_db()
    assert endpoint.is_active
    assert sorted(each.state for each in Delivery.objects.all()) == ["delivered", "failed"]


def test_gone_is_gone(receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace) -> None:
    receiver.answers = [410]
    emit(departments.credit_risk.pk, "run.finished", DATA)
    delivering.deliver_due()
    endpoint.refresh_from_db()
    assert not endpoint.is_active


def test_an_event_of_a_transaction_that_fails_is_not_told(
    receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace
) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        emit(departments.credit_risk.pk, "run.finished", DATA)
        raise ZeroDivisionError
    assert delivering.deliver_due() == 0 and not Event.objects.exists()


def test_only_who_asked_is_told(
    receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace, people: Any
) -> None:
    services.change_endpoint(actor=actor_for(people.mona), endpoint=endpoint, events=["alert.opened"])
    assert emit(departments.credit_risk.pk, "run.finished", DATA) is None
    assert emit(departments.retail.pk, "alert.opened", {}) is None
    assert emit(departments.credit_risk.pk, "alert.opened", {}) is not None


def test_an_unknown_event_is_an_error(departments: SimpleNamespace) -> None:
    with pytest.raises(KeyError):
        emit(departments.credit_risk.pk, "run.exploded", {})


def test_two_workers_send_once(receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace) -> None:
    emit(departments.credit_risk.pk, "run.finished", DATA)
    [delivery] = delivering._due()
    [again] = delivering._due()
    assert delivering._claim(delivery)
    assert not delivering._claim(again)


def test_what_a_dead_worker_claimed_is_tried_again(
    receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace
) -> None:
    emit(departments.credit_risk.pk, "run.finished", DATA)
    [delivery] = delivering._due()
    assert delivering._claim(delivery)
    assert delivering.deliver_due() == 0
    later(minutes=3)
    assert delivering.deliver_due() == 1


def test_after_a_rotation_both_secrets_sign(
    receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace, people: Any
) -> None:
    old = receiver.secret
    receiver.secret = services.rotate_secret(actor=actor_for(people.mona), endpoint=endpoint)
    emit(departments.credit_risk.pk, "run.finished", DATA)
    assert delivering.deliver_due() == 1
    assert verified(old, *receiver.requests[0])
    Endpoint.objects.update(old_until=timezone.now())
    emit(departments.credit_risk.pk, "run.finished", DATA)
    assert delivering.deliver_due() == 1
    assert not verified(old, *receiver.requests[1])


def test_a_redirect_is_not_followed(receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace) -> None:
    receiver.answers, receiver.location = [307], receiver.url
    emit(departments.credit_risk.pk, "run.finished", DATA)
    assert delivering.deliver_due() == 0
    assert len(receiver.requests) == 1 and Attempt.objects.get().status == 307


def test_a_slow_receiver_is_cut_off(receiver: Receiver) -> None:
    from datasets.connectors._guard import Guard

    receiver.wait = 1.5
    sent = sending.post(receiver.url, b"{}", {}, Guard.of(["127.0.0.1"]), seconds=0.3)
    assert sent.status is None and sent.error.startswith("No answer within") and sent.milliseconds < 1400


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/x", "http://169.254.169.254/latest", "http://[::1]/", "http://10.0.0.8/"]
)
def test_an_address_inside_is_refused(departments: SimpleNamespace, people: Any, address: str) -> None:
    asked = {
        "actor": actor_for(people.mona),
        "department": departments.credit_risk,
        "name": "x",
        "events": ["run.finished"],
    }
    with pytest.raises(Refused) as refused:
        services.create_endpoint(target=address, **asked)
    assert refused.value.status == 422 and refused.value.errors[0]["field"] == "target"


def test_an_address_that_is_allowed_no_more_is_not_reached(
    receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace, settings: Any
) -> None:
    settings.CONNECT_ALLOW = []
    emit(departments.credit_risk.pk, "run.finished", DATA)
    assert delivering.deliver_due() == 0
    assert not receiver.requests and "not a public address" in Attempt.objects.get().error


def test_the_metadata_service_is_refused_though_allowed(settings: Any) -> None:
    from datasets.connectors._guard import Guard

    sent = sending.post("http://169.254.169.254/latest", b"{}", {}, Guard.of(["169.254.0.0/16"]))
    assert sent.status is None and "metadata" in sent.error


def test_old_entries_are_dropped(receiver: Receiver, endpoint: Endpoint, departments: SimpleNamespace) -> None:
    emit(departments.credit_risk.pk, "run.finished", DATA)
    delivering.deliver_due()
    assert delivering.forget_old() == 0
    Event.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert delivering.forget_old()
    assert not Delivery.objects.exists() and not Attempt.objects.exists()
