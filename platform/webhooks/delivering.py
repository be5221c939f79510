"""Sending what is due. A delivery is claimed before it is sent, so that two workers do not both send it."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from audit.services import record
from datasets.sources.connection import guard
from departments.notices import managers_of, notify
from rest.secrets import unseal
from webhooks import signing
from webhooks.models import Attempt, Delivery, DeliveryState, Endpoint, Event
from webhooks.sending import EXCERPT, Sent, post

# What is waited for after the first, second … try: eight tries in a day.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600, 15 * 3600 + 1200))
TRIES = len(WAITS) + 1
JITTER = 0.1
# A try that is not settled in this time was a dead worker's.
LOST_AFTER = timedelta(minutes=2)
BATCH, OF_ONE, AT_ONCE = 100, 10, 8
KEPT = timedelta(days=30)
GAVE_UP = gettext_noop("An event could not be delivered in 8 tries over a day, and nothing else was meanwhile.")
GONE = gettext_noop("The endpoint answered 410 Gone: it wants nothing more.")


def body_of(event: Event) -> bytes:
    """What is sent: the same bytes at every try."""
    return orjson.dumps({"type": event.type, "timestamp": event.created_at.isoformat(), "data": event.data})


def deliver_due() -> int:
    """Try what is due; return how many were delivered."""
    claimed = [delivery for delivery in _due() if _claim(delivery)]
    if not claimed:
        return 0
    allowed = guard()
    asked = [_request(delivery) for delivery in claimed]
    # The threads only talk to the network: rows are read before and written after.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda request: post(request[0], request[1], request[2], allowed), asked))
    return sum(_settle(one, body, sent) for one, (_url, body, _h), sent in zip(claimed, asked, answers, strict=True))


def _due() -> list[Delivery]:
    """The oldest due ones, few of each endpoint: one that is down keeps no other waiting."""
    waiting = Delivery.objects.filter(
        state=DeliveryState.PENDING, due_at__lte=timezone.now(), endpoint__is_active=True
    ).select_related("endpoint__department", "event")
    taken: dict[Any, int] = {}
    chosen: list[Delivery] = []
    for delivery in waiting.order_by("due_at")[: BATCH * OF_ONE]:
        taken[delivery.endpoint_id] = taken.get(delivery.endpoint_id, 0) + 1
        if taken[delivery.endpoint_id] <= OF_ONE and len(chosen) < BATCH:
            chosen.append(delivery)
    return chosen


def _claim(delivery: Delivery) -> bool:
    mine = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING, due_at=delivery.due_at)
    claimed = mine.update(due_at=timezone.now() + LOST_AFTER, tries=F("tries") + 1)
    delivery.tries += 1
    return bool(claimed)


def _request(delivery: Delivery) -> tuple[str, bytes, dict[str, str]]:
    endpoint, now = delivery.endpoint, timezone.now()
    sealed = [endpoint.sealed]
    if endpoint.old_until and endpoint.old_until > now:
        sealed.append(endpoint.old_sealed)
    body = body_of(delivery.event)
    secrets = [unseal(each) for each in sealed]
    return endpoint.target, body, signing.headers(secrets, str(delivery.event_id), int(now.timestamp()), body)


@transaction.atomic
def _settle(delivery: Delivery, body: bytes, sent: Sent) -> bool:
    """Write down how a try ended, and what follows from it. An endpoint may have been deleted meanwhile."""
    now = timezone.now()
    if not Delivery.objects.select_for_update().filter(pk=delivery.pk).exists():
        return False
    Attempt.objects.create(
        delivery=delivery, at=now, status=sent.status, milliseconds=sent.milliseconds,
        request=body[:EXCERPT].decode("utf-8", "ignore"), response=sent.response, error=sent.error,
    )  # fmt: skip
    if sent.ok:
        delivery.state, delivery.due_at = DeliveryState.DELIVERED, None
        Endpoint.objects.filter(pk=delivery.endpoint_id).update(last_delivered_at=now)
    elif sent.status == 410:
        delivery.state, delivery.due_at = DeliveryState.FAILED, None
        _disable(delivery.endpoint, GONE)
    elif delivery.tries >= TRIES:
        delivery.state, delivery.due_at = DeliveryState.FAILED, None
        _give_up(delivery)
    else:
        delivery.due_at = now + WAITS[delivery.tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    delivery.save(update_fields=["state", "due_at"])
    return sent.ok


def _give_up(delivery: Delivery) -> None:
    """An endpoint that took something else meanwhile is not dead: it goes on."""
    endpoint = Endpoint.objects.get(pk=delivery.endpoint_id)
    first: datetime = delivery.attempts.earliest("at").at
    if endpoint.last_delivered_at is None or endpoint.last_delivered_at < first:
        _disable(endpoint, GAVE_UP)


def _disable(endpoint: Endpoint, reason: str) -> None:
    """Turn the endpoint off and tell the department's managers; what still waits is not delivered."""
    if not Endpoint.objects.filter(pk=endpoint.pk, is_active=True).update(is_active=False, disabled_reason=reason):
        return
    endpoint.deliveries.filter(state=DeliveryState.PENDING).update(state=DeliveryState.FAILED, due_at=None)
    record("webhook.disable", endpoint, details={"reason": reason})
    notify(
        "webhook.disabled", managers_of(endpoint.department_id), key=f"webhook:{endpoint.pk}:{timezone.now():%Y-%m-%dT%H}",
        path=reverse("webhooks:detail", args=[endpoint.department.slug, endpoint.pk]),
        name=endpoint.name, department=endpoint.department.name,
    )  # fmt: skip


def forget_old() -> int:
    """Drop events, with their deliveries, that are older than KEPT; return how many."""
    return Event.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
