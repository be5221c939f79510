"""Ending a grant, by its owner or by the clock, with what follows for what was made under it; and prolonging one.

The access itself ends with the row: every decision looks at it. What is carried out here, in the same transaction, is
about jobs, models and deployments that used the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services import record
from departments import consequences
from departments.access import Actor, Verb
from departments.consequences import WITH_DATE, Ruling, covering, fitting, kinds_to_choose
from departments.grant_notices import tell_choice, tell_ended, tell_extended, tell_lifted
from departments.models import Choice, Grant, GrantEnd
from rest.problems import Refused, invalid

MOST_EXTENSION = 90
MOST_KEPT = timedelta(days=730)


@transaction.atomic
def revoke_grant(
    *,
    grant: Grant,
    choice: str | None = None,
    choices: Mapping[str, str] | None = None,
    until: datetime | None = None,
    by: User | None = None,
) -> Grant:
    """Take a grant back at once. `choice` says what becomes of what was made from the data, `choices` otherwise by kind.

    Without a choice the grant's own counts, which it would have had at its expiry.
    """
    grant = _locked(grant)
    if grant.revoked_at is not None:
        return grant
    now = timezone.now()
    decided = _decided(choice or grant.on_end, choices or {})
    if choice is None and until is None and WITH_DATE & set(decided.values()):
        until = now + timedelta(days=grant.on_end_days)
    _check_until(decided, until, now)
    grant.revoked_at = now
    grant.save(update_fields=["revoked_at"])
    end = _end(grant, now, decided, until, by)
    record("grant.revoke", grant, department_id=grant.owner_id, details={"choices": decided, "affected": end.affected})
    tell_ended(grant, "grant.revoked")
    return grant


def _locked(grant: Grant) -> Grant:
    found: Grant = Grant.objects.select_for_update(of=("self",)).select_related("owner", "department").get(pk=grant.pk)
    return found


def _decided(choice: str, choices: Mapping[str, str]) -> dict[str, str]:
    """{kind: choice} for every kind that there is something to choose about."""
    known = kinds_to_choose()
    for kind, chosen in choices.items():
        if kind not in known:
            raise invalid(f"choices.{kind[:40]}", _("choose from %s") % ", ".join(known))
        if chosen not in known[kind].choices:
            raise invalid(f"choices.{kind}", _("choose from %s") % ", ".join(known[kind].choices))
    if choice not in Choice.values:
        raise invalid("choice", _("choose from %s") % ", ".join(Choice.values))
    return {kind: choices.get(kind) or fitting(kind, choice) for kind in known}


def _check_until(decided: Mapping[str, str], until: datetime | None, now: datetime) -> None:
    if not WITH_DATE & set(decided.values()):
        return
    if until is None:
        raise invalid("until", _("“retrain” and “keep” need the date until which things stay usable"))
    if not now < until <= now + MOST_KEPT:
        raise invalid("until", _("choose a moment in the future, at most two years away"))


def _end(
    grant: Grant, at: datetime, decided: Mapping[str, str], until: datetime | None, by: User | None = None
) -> GrantEnd:
    """Write down the end and carry out what was decided, unless another grant goes on."""
    until = until if WITH_DATE & set(decided.values()) else None
    affected = {}
    if covering(grant) is None:
        affected = {
            kind: consequences.carry_out(kind, Ruling(grant, choice, at, until if choice in WITH_DATE else None))
            for kind, choice in decided.items()
        }
    end: GrantEnd = GrantEnd.objects.create(
        grant=grant, at=at, choices=dict(decided), until=until, affected=affected, created_by=by
    )
    if any(affected.values()):
        tell_choice(end)
    return end


def end_expired() -> int:
    """Carry out what the owner chose for grants whose time has come; return how many."""
    due = Grant.objects.filter(expires_at__lte=timezone.now(), revoked_at=None, ending=None)
    return sum(_expire(grant) for grant in due.order_by("expires_at")[:500])


@transaction.atomic
def _expire(grant: Grant) -> bool:
    grant = _locked(grant)
    now = timezone.now()
    if grant.expires_at is None or grant.expires_at > now or GrantEnd.objects.filter(grant=grant).exists():
        return False
    decided = _decided(grant.on_end, {})
    end = _end(grant, grant.expires_at, decided, grant.expires_at + timedelta(days=grant.on_end_days))
    record("grant.expire", grant, department_id=grant.owner_id, details={"choices": decided, "affected": end.affected})
    tell_ended(grant, "grant.ended")
    return True


def close_kept() -> int:
    """Freeze what was kept, or had to be retrained, until a date that has come; return how many ends that closed."""
    due = GrantEnd.objects.filter(until__lte=timezone.now(), closed_at=None, lifted_at=None)
    return sum(_close(end) for end in due.select_related("grant")[:500])


@transaction.atomic
def _close(end: GrantEnd) -> bool:
    grant = _locked(end.grant)
    if not GrantEnd.objects.filter(pk=end.pk, closed_at=None, lifted_at=None).update(closed_at=timezone.now()):
        return False
    if covering(grant) is None:
        for kind, choice in end.choices.items():
            if choice in WITH_DATE:
                consequences.carry_out(kind, Ruling(grant, fitting(kind, Choice.FREEZE), end.at))
        tell_choice(end)
    record("grant.close", grant, department_id=grant.owner_id, details={"choices": end.choices})
    return True


@transaction.atomic
def lift_end(*, grant: Grant) -> GrantEnd:
    """Let what was frozen be used again: the owner's change of mind. Access to the data itself needs a new grant."""
    grant = _locked(grant)
    end: GrantEnd | None = GrantEnd.objects.filter(grant=grant).first()
    if end is None or end.lifted_at is not None:
        raise Refused("nothing_to_lift", _("This grant has left nothing behind that could be used again."))
    lifted = consequences.lift(grant)
    end.lifted_at = timezone.now()
    end.save(update_fields=["lifted_at"])
    record("grant.lift", grant, department_id=grant.owner_id, details={"lifted": lifted})
    tell_lifted(grant)
    return end


def may_extend(actor: Actor, grant: Grant) -> bool:
    """The grantee's managers, where the owner allowed it, as long as the grant runs."""
    able = grant.department_id in actor.departments_with(Verb.MANAGE) and actor.has_scope(Verb.MANAGE)
    return able and grant.may_extend and grant.state == "granted" and grant.expires_at is not None


def require_extending(actor: Actor, grant: Grant) -> None:
    if not may_extend(actor, grant):
        detail = _("Only managers of %s extend this grant, while it runs, and only if its owner allowed that.")
        raise Refused("not-extendable", detail % grant.department.name, status=403)


@transaction.atomic
def extend_grant(*, actor: Actor, grant: Grant, days: int) -> Grant:
    """Move a running grant's end to `days` days from now, as its owner allowed; the owner is told."""
    grant = _locked(grant)
    require_extending(actor, grant)
    if not 1 <= days <= MOST_EXTENSION:
        raise invalid("days", _("choose 1 to %d days, counted from now") % MOST_EXTENSION)
    return prolong(grant, timezone.now() + timedelta(days=days))


def prolong(grant: Grant, until: datetime) -> Grant:
    """Move the end of a running grant further away, within the caller's transaction; both sides are told."""
    assert grant.expires_at is not None
    if until <= grant.expires_at:
        raise invalid("days", _("the grant runs longer than that already"))
    before, grant.expires_at = grant.expires_at, until
    grant.save(update_fields=["expires_at"])
    details = {"before": before.isoformat(), "until": until.isoformat()}
    record("grant.extend", grant, department_id=grant.owner_id, details=details)
    tell_extended(grant)
    return grant
