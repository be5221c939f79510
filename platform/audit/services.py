"""Writing the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import models, transaction

from audit import chain, context
from audit.models import AuditEvent

Listener = Callable[[AuditEvent], None]
_listeners: list[Listener] = []


def listen(call: Listener) -> None:
    """Have `call(event)` called for every event from now on, within the transaction that records it."""
    if call not in _listeners:
        _listeners.append(call)


def record(
    verb: str,
    obj: models.Model | None = None,
    *,
    department_id: UUID | None = None,
    rule: str = "",
    version: str | int = "",
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    """Record one act on `obj` by whoever is acting now; `verb` reads like `dataset.create`.

    `details` may name columns and counts, never values of rows. The event is linked to the chain when the caller's
    transaction commits.
    """
    origin = context.current()
    event = AuditEvent(
        actor_id=origin.actor_id,
        actor_name=origin.actor_name,
        token_id=origin.token_id,
        address=origin.address,
        request_id=origin.request_id,
        verb=verb,
        object_kind=obj._meta.model_name or "" if obj is not None else "",
        object_id=str(obj.pk) if obj is not None else "",
        object_name=str(obj)[:200] if obj is not None else "",
        version=str(version),
        department_id=department_id or getattr(obj, "department_id", None),
        rule=rule,
        details=details or {},
    )
    event.mac = chain.mac(event)
    event.save(force_insert=True)
    for call in _listeners:
        call(event)
    _link_on_commit()
    return event


def _link_on_commit() -> None:
    """Once a transaction. What cannot be linked now is linked with the next event, or by beat."""
    waiting = transaction.get_connection().run_on_commit
    if not any(call is chain.link_waiting for _ids, call, _robust in waiting):
        transaction.on_commit(chain.link_waiting, robust=True)
