"""What can be told, and how something that happened becomes deliveries.

An event is a row of the transaction that it tells of: what is rolled back is not told. Sending is beat's (delivering.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.models import AuditEvent
from webhooks.models import Delivery, Endpoint, Event

EVENTS = {
    "alert.opened": _("A deployment has a problem: drift, errors, latency, performance, quota, a rollback"),
    "alert.closed": _("The problem is over"),
    "deployment.created": _("A name answers predictions"),
    "deployment.changed": _("A deployment answers with another model version"),
    "deployment.paused": _("A deployment was paused"),
    "deployment.resumed": _("A deployment was resumed"),
    "deployment.deleted": _("A deployment was deleted"),
    "model_version.created": _("A model version was registered"),
    "run.finished": _("A training run ended, with a model or without"),
}
PING = "webhook.test"
# Acts of the audit trail that are events by themselves.
AUDITED = {
    "deployment.create": "deployment.created",
    "deployment.repoint": "deployment.changed",
    "deployment.pause": "deployment.paused",
    "deployment.resume": "deployment.resumed",
    "deployment.delete": "deployment.deleted",
    "model_version.create": "model_version.created",
}


def emit(department_id: UUID, type: str, data: Mapping[str, Any]) -> Event | None:
    """Tell every endpoint of the department that chose this type. Part of the caller's transaction.

    `data` names things and counts them; it holds no values of rows. Returns None where nobody asked for it.
    """
    if type not in EVENTS:
        raise KeyError(f"unknown event {type!r}; known are {', '.join(EVENTS)}")
    asking = [each for each in Endpoint.objects.filter(department=department_id, is_active=True) if type in each.events]
    return _queue(department_id, type, data, asking) if asking else None


def ping(endpoint: Endpoint, data: Mapping[str, Any]) -> Event:
    """Tell this endpoint alone that it is being tried."""
    return _queue(endpoint.department_id, PING, data, [endpoint])


def _queue(department_id: UUID, type: str, data: Mapping[str, Any], endpoints: list[Endpoint]) -> Event:
    now = timezone.now()
    event = Event.objects.create(department_id=department_id, type=type, data=dict(data), created_at=now)
    Delivery.objects.bulk_create(Delivery(endpoint=each, event=event, due_at=now) for each in endpoints)
    return event


def from_audit(act: AuditEvent) -> None:
    """Listens to the audit trail."""
    type = AUDITED.get(act.verb)
    if type is None or act.department_id is None:
        return
    data = {
        act.object_kind: {"id": act.object_id, "name": act.object_name},
        "version": act.version or None,
        "by": act.actor_name or None,
        **{name: act.details[name] for name in ("model", "model_version", "run") if name in act.details},
    }
    emit(act.department_id, type, {name: value for name, value in data.items() if value is not None})
