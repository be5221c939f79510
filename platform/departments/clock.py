"""Watching the clock: who is warned before a grant ends, and requests that nobody answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.services import record
from departments.access_requests import LAPSES_AFTER
from departments.grant_notices import tell_ending
from departments.models import AccessRequest, Grant, GrantWarning, RequestState
from departments.notices import managers_of, notify
from departments.targets import name_of

# Days before the end at which people are warned, nearest first.
WARN_BEFORE = (1, 7)


def warn_of_endings() -> int:
    """Warn of every grant that ends soon, once for each of WARN_BEFORE; return how many warnings were given."""
    now = timezone.now()
    ending = Grant.objects.live().filter(expires_at__lte=now + timedelta(days=max(WARN_BEFORE)))
    return sum(_warn(grant, now) for grant in ending.select_related("owner", "department").prefetch_related("warnings"))


def _warn(grant: Grant, now: datetime) -> bool:
    """Give the nearest warning that is due; farther ones that nobody was awake for are only marked as given."""
    assert grant.expires_at is not None
    given = {warning.days for warning in grant.warnings.all() if warning.expires_at == grant.expires_at}
    due = [days for days in WARN_BEFORE if now >= grant.expires_at - timedelta(days=days) and days not in given]
    if not due or min(given, default=due[0]) < due[0]:
        return False
    try:
        with transaction.atomic():
            GrantWarning.objects.bulk_create(
                GrantWarning(grant=grant, days=days, expires_at=grant.expires_at) for days in due
            )
            # A grant that was made for less time than the warning's is not news to those who made it.
            if grant.expires_at - grant.starts_at <= timedelta(days=due[0]):
                return False
            tell_ending(grant, days=due[0])
    except IntegrityError:
        return False  # another worker was faster
    return True


def lapse_requests() -> int:
    """Close open requests that nobody answered for LAPSES_AFTER, and tell both sides."""
    forgotten = AccessRequest.objects.filter(state=RequestState.OPEN, created_at__lte=timezone.now() - LAPSES_AFTER)
    return sum(_lapse(asked) for asked in forgotten.with_people())


@transaction.atomic
def _lapse(asked: AccessRequest) -> bool:
    still = AccessRequest.objects.filter(pk=asked.pk, state=RequestState.OPEN)
    if not still.update(state=RequestState.LAPSED, decided_at=timezone.now()):
        return False
    record("access_request.lapsed", asked, department_id=asked.owner_id)
    people = [*managers_of(asked.owner_id, asked.department_id), *([asked.created_by] if asked.created_by else [])]
    notify(
        "request.lapsed", people, key=f"request:{asked.pk}:lapsed", path=reverse("departments:request", args=[asked.pk]),
        department=asked.department.name, name=name_of(asked.object_kind, asked.object_id),
    )  # fmt: skip
    return True
