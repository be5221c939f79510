"""Managers make, change, try and delete webhooks, in the browser and over REST; the secret is shown once."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from django.test import Client
from rest_framework.test import APIClient

from audit.models import AuditEvent
from tests.webhooks.receiver import Receiver
from webhooks import delivering
from webhooks.models import Delivery, Endpoint

ROOT = "/api/v1/departments/credit-risk/webhooks/"


def test_it_works_over_rest(receiver: Receiver, api_of: Callable[..., APIClient]) -> None:
    mona = api_of("mona")
    made = mona.post(ROOT, {"name": "chat", "target": receiver.url, "events": ["run.finished"]})
    assert made.status_code == 201, made.json()
    receiver.secret = made.json()["secret"]
    assert receiver.secret.startswith("whsec_")
    url = f"{ROOT}{made.json()['id']}/"
    seen = mona.get(url)
    assert "secret" not in seen.json() and receiver.secret.encode() not in seen.content
    assert mona.post(f"{url}test/").status_code == 202
    assert delivering.deliver_due() == 1 and receiver.types == ["webhook.test"]
    [delivery] = mona.get(f"{url}deliveries/").json()["results"]
    assert (delivery["type"], delivery["state"], delivery["attempts"][0]["status"]) == (
        "webhook.test",
        "delivered",
        204,
    )
    assert mona.post(f"{url}deliveries/{delivery['id']}/send-again/").status_code == 202
    assert delivering.deliver_due() == 1
    assert len(receiver.requests) == 2 and len(receiver.taken) == 1, "the second is the same event"
    assert mona.patch(url, {"is_active": False}).json()["is_active"] is False
    assert mona.post(f"{url}test/").json()["code"] == "webhook_off"
    assert mona.post(f"{url}rotate/").json()["secret"] != receiver.secret
    assert mona.delete(url).status_code == 204
    verbs = set(AuditEvent.objects.filter(verb__startswith="webhook.").values_list("verb", flat=True))
    assert verbs == {f"webhook.{act}" for act in ("create", "test", "send_again", "change", "rotate", "delete")}


def test_the_secret_lies_sealed(receiver: Receiver, endpoint: Endpoint) -> None:
    assert receiver.secret not in endpoint.sealed and receiver.secret.removeprefix("whsec_") not in endpoint.sealed


def test_what_is_wrong_is_named(receiver: Receiver, api_of: Callable[..., APIClient]) -> None:
    mona = api_of("mona")
    refused = mona.post(ROOT, {"name": "chat", "target": "ftp://x", "events": ["run.finished"]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "target")
    refused = mona.post(ROOT, {"name": "chat", "target": receiver.url, "events": ["nothing"]})
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"].startswith("events")


def test_engineers_and_strangers_do_not_see_them(endpoint: Endpoint, api_of: Callable[..., APIClient]) -> None:
    assert api_of("emil").get(ROOT).status_code == 403
    assert api_of("charlie").get(ROOT).status_code == 404
    assert api_of("charlie").get(f"{ROOT}{endpoint.pk}/").status_code == 404


def test_pages(receiver: Receiver, browser_of: Callable[[str], Client], departments: SimpleNamespace) -> None:
    mona = browser_of("mona")
    page = "/departments/credit-risk/webhooks/"
    assert b"No other system is told yet" in mona.get(page).content
    made = mona.post(page, {"name": "chat", "target": receiver.url, "events": ["run.finished"]})
    endpoint = Endpoint.objects.get()
    receiver.secret = made.context["secret"]
    assert receiver.secret in made.content.decode()
    one = f"{page}{endpoint.pk}/"
    assert mona.post(f"{one}test/").status_code == 302
    delivering.deliver_due()
    shown = mona.get(one).content.decode()
    assert "webhook.test" in shown and "204" in shown and receiver.secret not in shown
    assert mona.post(one, {"name": "chat", "target": "http://10.0.0.1/", "events": ["run.finished"]}).status_code == 422
    assert mona.post(one, {"name": "Chat", "target": receiver.url, "events": ["alert.opened"]}).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.events) == ("Chat", ["alert.opened"])
    delivery = Delivery.objects.get()
    assert mona.post(f"{one}deliveries/{delivery.pk}/again/").status_code == 302
    fresh = mona.post(f"{one}rotate/").context["secret"]
    assert fresh != receiver.secret
    assert mona.post(f"{one}active/", {"active": "0"}).status_code == 302
    assert mona.post(f"{one}delete/").status_code == 302 and not Endpoint.objects.exists()
