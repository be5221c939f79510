"""Limits: set, read, and held."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services import record
from departments.access import Actor
from departments.models import Department
from departments.quotas import ledger
from departments.quotas.kinds import KINDS, month_bounds
from departments.quotas.models import Quota
from departments.quotas.words import day, figure, month
from rest.problems import Refused, invalid

LIMITS = tuple(kind.limit for kind in KINDS.values())
# Of a month's hours, bytes or predictions: what a database column and a person can still make sense of.
MOST = 10**15
# Seconds for which one process goes on with what it knows of a department's use: predictions ask at every request.
FRESH = 2.0


@dataclass(frozen=True, slots=True)
class Use:
    """What a department has used of one kind, in the ledger's unit; `limit` is None where there is none."""

    kind: str
    used: int
    limit: int | None
    resets_at: datetime | None
    forecast: int | None

    @property
    def share(self) -> float | None:
        """Of the limit; None without one."""
        if self.limit is None:
            return None
        return self.used / self.limit if self.limit else 1.0

    @property
    def state(self) -> str:
        share = self.share
        return "none" if share is None else "full" if share >= 1 else "near" if share >= 0.8 else "fine"

    @property
    def used_words(self) -> str:
        return figure(self.kind, self.used)

    @property
    def limit_words(self) -> str:
        return "" if self.limit is None else figure(self.kind, self.limit)

    @property
    def forecast_words(self) -> str:
        return "" if self.forecast is None else figure(self.kind, self.forecast)

    @property
    def label(self) -> str:
        return str(KINDS[self.kind].label)

    @property
    def percent(self) -> float:
        """How much of the bar is filled."""
        return round(100 * min(1.0, self.share or 0.0), 1)


class UsedUp(Refused):
    """A department has used what it may. `quota` says how much of what, and when it begins anew."""

    def __init__(self, department: Department, use: Use, more: int) -> None:
        super().__init__(f"quota-{use.kind}", _told(department, use, more), status=403)
        self.quota = {
            "kind": use.kind, "used": use.used / KINDS[use.kind].unit, "limit": (use.limit or 0) / KINDS[use.kind].unit,
            "resets_at": use.resets_at.isoformat() if use.resets_at else None,
        }  # fmt: skip

    def as_problem(self) -> dict[str, Any]:
        return super().as_problem() | {"quota": self.quota}


def _told(department: Department, use: Use, more: int) -> str:
    begin, end = month_bounds()
    words = {
        "department": department.name, "used": use.used_words, "limit": use.limit_words, "more": figure(use.kind, more),
        "month": month(begin), "day": day(end), "who": _who(),
    }  # fmt: skip
    if use.kind == "cpu":
        text = _(
            "%(department)s has used %(used)s of its %(limit)s CPU hours of %(month)s. It can start work again on %(day)s"
            " (UTC), or when a platform admin raises the quota (%(who)s)."
        )
    elif use.kind == "predictions":
        text = _(
            "%(department)s has used %(used)s of its %(limit)s predictions of %(month)s. Predictions go on on %(day)s"
            " (UTC), or when a platform admin raises the quota (%(who)s)."
        )
    else:
        text = _(
            "%(department)s holds %(used)s of the %(limit)s that it may store, and this needs %(more)s more. Delete data"
            " sets or uploads that are not needed, or ask a platform admin to raise the quota (%(who)s)."
        )
    return text % words


def _who() -> str:
    """Whom to ask: three platform admins."""
    admins = User.objects.filter(is_platform_admin=True, is_active=True).order_by("username")[:3]
    return ", ".join(each.get_full_name() or each.username for each in admins) or "–"


def uses(department: Department) -> list[Use]:
    """What the department has used of everything, and what it may."""
    quota = Quota.objects.filter(department=department).first()
    return [_use(department.pk, kind, quota) for kind in KINDS]


def _use(department_id: UUID, kind: str, quota: Quota | None) -> Use:
    used = ledger.used([department_id], kind)[department_id]
    begin, end = month_bounds()
    limit = getattr(quota, KINDS[kind].limit) if quota else None
    passed = (timezone.now() - begin) / (end - begin)
    monthly = KINDS[kind].monthly
    return Use(
        kind, used, None if limit is None else round(limit * KINDS[kind].unit), end if monthly else None,
        # A forecast from the first hours of a month would say nothing.
        round(used / passed) if monthly and passed > 0.01 else None,
    )  # fmt: skip


def require(department: Department, kind: str, more: int = 0) -> None:
    """Raise UsedUp when the department has no room for `more` (in the ledger's unit), or none left at all."""
    quota = Quota.objects.filter(department=department).first()
    if quota is None or getattr(quota, KINDS[kind].limit) is None:
        return
    use = _use(department.pk, kind, quota)
    if use.limit is not None and (use.used >= use.limit or use.used + more > use.limit):
        raise UsedUp(department, use, more)


def used_up(departments: Collection[UUID], kind: str) -> set[UUID]:
    """Those of the departments that have used all they may."""
    field = KINDS[kind].limit
    limits = dict(
        Quota.objects.filter(department__in=departments, **{f"{field}__isnull": False}).values_list(
            "department_id", field
        )
    )
    if not limits:
        return set()
    return {each for each, used in ledger.used(list(limits), kind).items() if used >= limits[each] * KINDS[kind].unit}


@dataclass(slots=True)
class _Known:
    left: int | None
    until: float


_known: dict[tuple[UUID, str], _Known] = {}


def require_quickly(department_id: UUID, kind: str, more: int) -> None:
    """As `require`, from what this process learned within FRESH seconds: for what is asked thousands of times a second."""
    taken = take(department_id, kind, more)
    if taken is None:
        learn(department_id, kind)
        taken = take(department_id, kind, more)
    if taken is False:
        department = Department.objects.get(pk=department_id)
        raise UsedUp(department, _use(department_id, kind, Quota.objects.get(department=department)), more)


def take(department_id: UUID, kind: str, more: int) -> bool | None:
    """Whether there is room for `more`, which counts as used from now on. None when that is not known: then `learn`.

    Asks nobody.
    """
    known = _known.get((department_id, kind))
    if known is None or known.until < time.monotonic():
        return None
    if known.left is None:
        return True
    if known.left < more:
        return False
    known.left -= more
    return True


def learn(department_id: UUID, kind: str) -> None:
    """Ask the database how much is left, for `take` to know during FRESH seconds."""
    quota = Quota.objects.filter(department_id=department_id).first()
    use = _use(department_id, kind, quota) if quota else None
    left = None if use is None or use.limit is None else use.limit - use.used
    _known[department_id, kind] = _Known(left, time.monotonic() + FRESH)


@transaction.atomic
def set_quota(*, actor: Actor, department: Department, limits: Mapping[str, Any]) -> Quota:
    """Change some of a department's limits; None is no limit. Platform admins only."""
    if not actor.is_platform_admin:
        detail = _("Only platform admins set quotas. Ask one of them: %s.") % _who()
        raise Refused("not-platform-admin", detail, status=403)
    for name, value in limits.items():
        _check(name, value)
    quota, _new = Quota.objects.select_for_update().get_or_create(department=department)
    before = {name: getattr(quota, name) for name in limits}
    for name, value in limits.items():
        setattr(quota, name, value)
    quota.updated_at, quota.updated_by_id = timezone.now(), actor.person_id
    quota.save()
    changed = {name: [before[name], limits[name]] for name in limits if before[name] != limits[name]}
    record("quota.set", quota, department_id=department.pk, details=changed)
    for key in [key for key in _known if key[0] == department.pk]:
        del _known[key]
    return quota


def _check(name: str, value: Any) -> None:
    if name not in LIMITS:
        raise invalid(name, _("unknown limit; known are %s") % ", ".join(LIMITS))
    whole = name != "cpu_hours"
    fits = value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST)
    if not fits or (whole and value is not None and value != int(value)):
        raise invalid(name, _("expected a number from 0 to %s, or nothing for no limit") % f"{MOST:,}")
