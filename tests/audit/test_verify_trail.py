"""`audit verify` finds a changed, a missing, an inserted and a moved event; concurrent writers leave one chain."""

from __future__ import annotations

import io
import threading
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from audit import chain
from audit.models import AuditEvent, AuditHead
from audit.services import record
from departments.models import Department

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trail() -> list[AuditEvent]:
    """Ten linked events."""
    for i in range(10):
        record("dataset.rows", details={"rows": i, "share": 0.5, "large": 1e20, "columns": ["名", "b"]})
    return list(AuditEvent.objects.order_by("sequence"))


def verified(*args: str) -> str:
    out = io.StringIO()
    call_command("audit", "verify", *args, stdout=out)
    return out.getvalue()


def refused(*args: str) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("audit", "verify", *args, stdout=out)
    return out.getvalue()


def test_it_works(trail: list[AuditEvent]) -> None:
    assert [event.sequence for event in trail] == list(range(1, 11))
    assert "intact: 10 events" in verified()


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor_name", "somebody else"), ("details", '{"rows": 99}'), ("created_at", "2020-01-01 00:00:00")],
)
def test_a_changed_event_is_found(trail: list[AuditEvent], column: str, value: str) -> None:
    """Whoever changes it does so in the database, past the application."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE audit_auditevent SET {column} = %s WHERE sequence = 4", [value])
    said = refused()
    assert "changed: event 4" in said and str(trail[3].pk) in said


def test_a_changed_event_with_a_fitting_mac_of_another_key_is_found(trail: list[AuditEvent]) -> None:
    event = trail[3]
    event.actor_name = "somebody else"
    event.mac = chain.mac(event, b"a guess")
    event.save()
    assert "changed: event 4" in refused()


@pytest.mark.parametrize("gone", [1, 5, 10])
def test_a_missing_event_is_found(trail: list[AuditEvent], gone: int) -> None:
    AuditEvent.objects.filter(sequence=gone).delete()
    assert f"missing: event {gone}" in refused()


def test_a_missing_event_is_found_though_the_rest_moved_up(trail: list[AuditEvent]) -> None:
    AuditEvent.objects.filter(sequence=5).delete()
    for sequence in range(6, 11):
        AuditEvent.objects.filter(sequence=sequence).update(sequence=sequence - 1)
    AuditHead.objects.update(sequence=9)
    assert "broken: event 5" in refused()


def test_swapped_events_are_found(trail: list[AuditEvent]) -> None:
    AuditEvent.objects.filter(pk=trail[2].pk).update(sequence=None)
    AuditEvent.objects.filter(pk=trail[3].pk).update(sequence=3)
    AuditEvent.objects.filter(pk=trail[2].pk).update(sequence=4)
    assert "broken: event 3" in refused()


def test_an_inserted_event_is_found(trail: list[AuditEvent]) -> None:
    AuditEvent.objects.create(verb="dataset.rows", actor_name="mallory")
    assert "changed" in refused()


def test_a_trail_cut_off_with_its_head_no_longer_reaches_one_kept_elsewhere(trail: list[AuditEvent]) -> None:
    out = io.StringIO()
    call_command("audit", "head", stdout=out)
    kept = out.getvalue().strip()
    AuditEvent.objects.filter(sequence__gt=7).delete()
    AuditHead.objects.update(sequence=7, chain=trail[6].chain)
    assert "intact: 7" in verified()
    assert "the given head counts 10 events; the trail has 7" in refused("--head", kept)


def test_an_event_of_a_trail_that_was_rewound_does_not_fit_into_the_new_one(trail: list[AuditEvent]) -> None:
    """It is genuine, and once had this very number; what came after it now was linked to another."""
    event = record("dataset.delete")
    event.refresh_from_db()
    AuditEvent.objects.filter(sequence=11).delete()
    AuditHead.objects.update(sequence=10, chain=trail[9].chain)
    record("dataset.rows")
    record("dataset.rows")
    assert "intact: 12 events" in verified()
    AuditEvent.objects.filter(sequence=11).delete()
    event.save(force_insert=True)
    assert "broken: event 12" in refused()


def test_a_rotated_key_still_verifies(trail: list[AuditEvent], settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    record("dataset.rows")
    assert "intact: 11 events" in verified()
    settings.SECRET_KEY_FALLBACKS = []
    assert "changed: event 1" in refused()


def test_a_rolled_back_act_leaves_no_gap(trail: list[AuditEvent]) -> None:
    with pytest.raises(ValueError), transaction.atomic():
        record("dataset.create")
        raise ValueError
    record("dataset.create")
    assert "intact: 11 events" in verified()


def test_what_a_dead_process_left_unlinked_is_checked_and_linked(trail: list[AuditEvent]) -> None:
    event = AuditEvent(verb="dataset.create", actor_name="alice")
    event.mac = chain.mac(event)
    event.save()
    assert "intact: 11 events" in verified()
    event.refresh_from_db()
    assert event.sequence == 11


def test_writers_at_the_same_time_make_one_chain() -> None:
    def write() -> None:
        for _ in range(8):
            with transaction.atomic():
                Department.objects.create(slug=f"d-{uuid.uuid4()}", name="D")
                record("department.create")
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "intact: 32 events" in verified()
    assert AuditHead.objects.get().sequence == 32
