"""Tamper evidence: every event is linked to the one before it by a keyed hash.

    mac(event)  = HMAC-SHA256(key, canonical JSON of the event)
    chain(n)    = HMAC-SHA256(key, chain(n − 1) · n · mac(event n)),  chain(0) = ""

The key is derived from the secret key, so whoever can write to the database alone cannot forge a link. A changed event
no longer fits its mac; a missing, inserted or moved one breaks the chain; a chain cut off at its end no longer reaches
the head. Someone who also holds the secret key can rewrite all of it: a head that was kept elsewhere (`audit head`)
still tells (Schneier and Kelsey, "Secure Audit Logs to Support Computer Forensics", 1999).

Events are linked right after the transaction that wrote them, in a transaction of its own: a link inside it would make
all writers wait for each other.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.models import AuditEvent, AuditHead

BATCH = 1000
MOST_FAULTS = 100
_SIGNED = (
    "id", "actor_id", "actor_name", "token_id", "address", "request_id", "verb", "object_kind", "object_id",
    "object_name", "version", "department_id", "rule",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not fit: `kind` is changed, missing, broken or head; `sequence` says where, `event` which row."""

    kind: str
    sequence: int | None
    event: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "sequence": self.sequence, "event": self.event, "detail": self.detail}


@dataclass(slots=True)
class Verification:
    """What a check of the whole trail found: how many events it read, and up to MOST_FAULTS faults."""

    events: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.faults

    def add(self, kind: str, sequence: int | None, event: object, detail: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(kind, sequence, str(event or ""), detail))


def mac(event: AuditEvent, key: bytes | None = None) -> str:
    """The keyed hash of what the event says."""
    said = {name: None if (value := getattr(event, name)) is None else str(value) for name in _SIGNED}
    said["created_at"] = event.created_at.astimezone(UTC).isoformat()
    text = json.dumps([said, _plain(event.details)], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return _hmac(key or _keys()[0], text.encode())


def _plain(value: Any) -> Any:
    """The value as either database gives it back: PostgreSQL keeps 1e20 as a whole number."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _link(before: str, sequence: int, event_mac: str, key: bytes | None = None) -> str:
    return _hmac(key or _keys()[0], f"{before}·{sequence}·{event_mac}".encode())


def _hmac(key: bytes, message: bytes) -> str:
    return hmac.digest(key, message, "sha256").hex()


def _keys() -> tuple[bytes, ...]:
    """The key in use and those that the platform used before a rotation."""
    return tuple(_derived(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _derived(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"atrium audit trail").derive(secret.encode())


def link_waiting() -> int:
    """Link the events that are not linked yet, in the order of their time; return how many."""
    linked = 0
    while (taken := _link_batch()) == BATCH:
        linked += taken
    return linked + taken


@transaction.atomic
def _link_batch() -> int:
    head = _locked_head()
    waiting = list(AuditEvent.objects.filter(sequence=None).order_by("created_at", "pk")[:BATCH])
    for event in waiting:
        head.sequence += 1
        event.sequence, event.chain = head.sequence, _link(head.chain, head.sequence, event.mac)
        head.chain = event.chain
    if waiting:
        AuditEvent.objects.bulk_update(waiting, ["sequence", "chain"], batch_size=100)
        head.save(update_fields=["sequence", "chain"])
    return len(waiting)


def _locked_head() -> AuditHead:
    """The end of the chain, held until the transaction ends. Whoever made the row has to ask for the lock as well."""
    held = AuditHead.objects.select_for_update().filter(pk=1)
    found = held.first()
    if found is None:
        AuditHead.objects.get_or_create(pk=1)
        found = held.get()
    return found


def verify(*, known: tuple[int, str] | None = None) -> Verification:
    """Read the whole trail and check every link. `known` is a head that was kept elsewhere: (sequence, chain)."""
    # The head is read first: what is linked meanwhile lies beyond it.
    head = AuditHead.objects.filter(pk=1).first() or AuditHead()
    found = Verification()
    before, expected = "", 1
    for event in _linked(head.sequence):
        found.events += 1
        sequence = event.sequence or 0
        if sequence != expected:
            gap = f"events {expected:,} to {sequence - 1:,} are missing"
            found.add("missing", expected, "", gap if sequence - expected > 1 else f"event {expected:,} is missing")
        elif not _fits(event.chain, lambda key, b=before, e=event: _link(b, e.sequence or 0, e.mac, key)):
            found.add("broken", sequence, event.pk, "the link to the event before it does not fit")
        _check_event(event, found)
        if known and sequence == known[0] and event.chain != known[1]:
            found.add("head", sequence, event.pk, "this is not the chain that the given head belongs to")
        before, expected = event.chain, sequence + 1
    _check_end(head, before, expected, known, found)
    for event in AuditEvent.objects.filter(sequence=None).iterator(BATCH):
        found.events += 1
        _check_event(event, found)
    return found


def _linked(last: int) -> Iterator[AuditEvent]:
    return AuditEvent.objects.filter(sequence__lte=last).order_by("sequence").iterator(BATCH)


def _check_event(event: AuditEvent, found: Verification) -> None:
    if not _fits(event.mac, lambda key: mac(event, key)):
        found.add("changed", event.sequence, event.pk, "the event does not say what was written")


def _fits(given: str, compute: Any) -> bool:
    return any(hmac.compare_digest(given, compute(key)) for key in _keys())


def _check_end(head: AuditHead, before: str, expected: int, known: tuple[int, str] | None, found: Verification) -> None:
    if expected <= head.sequence:
        found.add("missing", expected, "", f"the last {head.sequence - expected + 1:,} events are missing")
    elif before != head.chain:
        found.add("head", head.sequence, "", "the chain does not end in the head that was kept beside it")
    if known and known[0] >= expected:
        found.add("missing", expected, "", f"the given head counts {known[0]:,} events; the trail has {expected - 1:,}")


def check() -> Verification:
    """Verify, and keep the result beside the chain for the health and audit pages."""
    link_waiting()
    found = verify()
    AuditHead.objects.update_or_create(
        pk=1,
        defaults={
            "checked_at": timezone.now(),
            "checked_events": found.events,
            "faults": [fault.to_json() for fault in found.faults],
        },
    )
    return found


def head() -> AuditHead:
    """The end of the chain as it is now."""
    link_waiting()
    return AuditHead.objects.filter(pk=1).first() or AuditHead()
