"""What managers do with a department's endpoints: typed verbs, one transaction each, recorded."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets.connectors._base import ConnectError
from datasets.connectors._http import parse, port_of
from datasets.sources.connection import guard
from departments.access import Actor, Verb, require_in
from departments.models import Department
from rest.problems import Refused, invalid
from rest.secrets import seal
from webhooks import events as happenings
from webhooks.models import Delivery, DeliveryState, Endpoint, Event
from webhooks.signing import new_secret

MOST = 20
# After a rotation both secrets sign, so that the receiver can change over without missing an event.
OVERLAP = timedelta(hours=24)


@transaction.atomic
def create_endpoint(
    *, actor: Actor, department: Department, name: str, target: str, events: Collection[str]
) -> tuple[Endpoint, str]:
    """Have `target` told of `events`. Returns the endpoint and its secret, which cannot be read again."""
    decision = require_in(actor, Verb.MANAGE, department)
    if Endpoint.objects.filter(department=department).count() >= MOST:
        raise Refused("too_many", _("A department has at most %d webhooks. Delete one that is not needed.") % MOST)
    secret = new_secret()
    endpoint = Endpoint.objects.create(
        department=department, name=_checked_name(name), target=_checked_target(target), events=_checked_events(events),
        sealed=seal(secret), created_by_id=actor.person_id,
    )  # fmt: skip
    record("webhook.create", endpoint, rule=decision.rule, details={"events": endpoint.events})
    return endpoint, secret


@transaction.atomic
def change_endpoint(
    *,
    actor: Actor,
    endpoint: Endpoint,
    name: str | None = None,
    target: str | None = None,
    events: Collection[str] | None = None,
    is_active: bool | None = None,
) -> Endpoint:
    """Rename it, point it elsewhere, choose other events, turn it on or off. What is None stays."""
    decision = require_in(actor, Verb.MANAGE, endpoint.department)
    if name is not None:
        endpoint.name = _checked_name(name)
    if target is not None and target != endpoint.target:
        endpoint.target = _checked_target(target)
    if events is not None:
        endpoint.events = _checked_events(events)
    if is_active is not None:
        endpoint.is_active, endpoint.disabled_reason = is_active, ""
    endpoint.save()
    details = {"events": endpoint.events, "active": endpoint.is_active}
    record("webhook.change", endpoint, rule=decision.rule, details=details)
    return endpoint


@transaction.atomic
def rotate_secret(*, actor: Actor, endpoint: Endpoint) -> str:
    """Return a new secret. The old one signs beside it for OVERLAP."""
    decision = require_in(actor, Verb.MANAGE, endpoint.department)
    secret = new_secret()
    endpoint.old_sealed, endpoint.old_until = endpoint.sealed, timezone.now() + OVERLAP
    endpoint.sealed = seal(secret)
    endpoint.save(update_fields=["sealed", "old_sealed", "old_until", "updated_at"])
    record("webhook.rotate", endpoint, rule=decision.rule)
    return secret


@transaction.atomic
def delete_endpoint(*, actor: Actor, endpoint: Endpoint) -> None:
    decision = require_in(actor, Verb.MANAGE, endpoint.department)
    record("webhook.delete", endpoint, rule=decision.rule)
    endpoint.delete()


@transaction.atomic
def ping(*, actor: Actor, endpoint: Endpoint) -> Event:
    """Send it a test event."""
    decision = require_in(actor, Verb.MANAGE, endpoint.department)
    if not endpoint.is_active:
        raise Refused("webhook_off", _("This webhook is turned off. Turn it on, then test it."))
    event = happenings.ping(endpoint, {"webhook": {"id": str(endpoint.pk), "name": endpoint.name}})
    record("webhook.test", endpoint, rule=decision.rule)
    return event


@transaction.atomic
def send_again(*, actor: Actor, delivery: Delivery) -> Delivery:
    """Deliver an event once more, with the same id and body and all its tries, whatever came of it before."""
    endpoint = delivery.endpoint
    decision = require_in(actor, Verb.MANAGE, endpoint.department)
    if not endpoint.is_active:
        raise Refused("webhook_off", _("This webhook is turned off. Turn it on, then send the event again."))
    delivery.state, delivery.tries, delivery.due_at = DeliveryState.PENDING, 0, timezone.now()
    delivery.save(update_fields=["state", "tries", "due_at"])
    record("webhook.send_again", endpoint, rule=decision.rule, details={"event": str(delivery.event_id)})
    return delivery


def _checked_name(name: str) -> str:
    if not name.strip() or len(name) > 80:
        raise invalid("name", _("1 to 80 characters that say who is told"))
    return name.strip()


def _checked_events(chosen: Collection[str]) -> list[Any]:
    unknown = sorted(set(chosen) - set(happenings.EVENTS))
    if unknown or not chosen:
        raise invalid("events", _("choose at least one of %s") % ", ".join(happenings.EVENTS))
    return [type for type in happenings.EVENTS if type in chosen]


def _checked_target(target: str) -> str:
    """An address that events may be sent to at this moment; it is judged again before every try."""
    try:
        parts = parse(target.strip())
        guard().pin(parts.hostname or "", port_of(parts))
    except ConnectError as refused:
        raise invalid("target", f"{refused.detail} {refused.hint}", code=refused.code) from None
    if len(target) > 500:
        raise invalid("target", _("at most 500 characters"))
    return parts.geturl()
