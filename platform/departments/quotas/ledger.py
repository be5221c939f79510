"""The books: one row for each department, kind and month, so that reading them costs the same however much was used."""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

from django.db import transaction
from django.db.models import F

from departments.quotas import warnings
from departments.quotas.kinds import KINDS, LIVE, RECOMPUTE, period_of
from departments.quotas.models import LedgerEntry


@transaction.atomic
def book(department_id: UUID, kind: str, amount: int) -> None:
    """Add to what the department used this month. Part of the caller's transaction."""
    if amount:
        LedgerEntry.objects.filter(pk=_entry(department_id, kind).pk).update(amount=F("amount") + amount)
        _warn(department_id, kind)


@transaction.atomic
def settle(department_id: UUID, kind: str, measure: Callable[[], int]) -> None:
    """Write down how much the department holds now. Part of the caller's transaction."""
    entry = _entry(department_id, kind)
    # Whoever measures has the row: two that measure at once would each miss what the other has not committed.
    LedgerEntry.objects.select_for_update().get(pk=entry.pk)
    LedgerEntry.objects.filter(pk=entry.pk).update(amount=measure())
    _warn(department_id, kind)


def _entry(department_id: UUID, kind: str) -> LedgerEntry:
    return LedgerEntry.objects.get_or_create(department_id=department_id, kind=kind, period=period_of(kind))[0]


def _warn(department_id: UUID, kind: str) -> None:
    warnings.warn(department_id, kind, lambda: used([department_id], kind)[department_id])


def used(departments: Collection[UUID], kind: str) -> dict[UUID, int]:
    """What each department has used: what is booked, and what is under way."""
    booked = LedgerEntry.objects.filter(department__in=departments, kind=kind, period=period_of(kind))
    found = dict.fromkeys(departments, 0) | dict(booked.values_list("department_id", "amount"))
    live = LIVE[kind](departments) if kind in LIVE else {}
    return {each: amount + (live.get(each) or 0) for each, amount in found.items()}


def recount(*, write: bool = True) -> list[tuple[UUID, str, str, int, int]]:
    """Make the books again from the rows; return (department, kind, period, booked, counted) where they differed."""
    differing = []
    for kind in KINDS:
        if kind not in RECOMPUTE:
            continue
        with transaction.atomic():
            entries = LedgerEntry.objects.select_for_update().filter(kind=kind)
            booked = {(each.department_id, each.period): each.amount for each in entries}
            counted = dict(RECOMPUTE[kind]())
            for key in booked.keys() | counted.keys():
                before, after = booked.get(key, 0), counted.get(key, 0)
                if before != after:
                    differing.append((key[0], kind, key[1], before, after))
                    if write:
                        LedgerEntry.objects.update_or_create(
                            department_id=key[0], kind=kind, period=key[1], defaults={"amount": after}
                        )
    return differing
