"""Telling a department's managers that a quota is nearly used up, or used up: once for each period, kind and limit."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from departments.models import Department
from departments.notices import managers_of, notify
from departments.quotas.kinds import KINDS, period_of
from departments.quotas.models import Quota
from departments.quotas.words import figure

NEAR = 0.8


def warn(department_id: UUID, kind: str, used: Callable[[], int]) -> None:
    """Tell the managers and the platform admins when the department has used 80 %, or all, of what it may."""
    field = KINDS[kind].limit
    limit = Quota.objects.filter(department_id=department_id).values_list(field, flat=True).first()
    if limit is None:
        return
    amount, most = used(), limit * KINDS[kind].unit
    if amount < NEAR * most:
        return
    mark = "full" if amount >= most else "near"
    department = Department.objects.get(pk=department_id)
    people = User.objects.filter(Q(pk__in=managers_of(department_id)) | Q(is_platform_admin=True), is_active=True)
    notify(
        f"quota-{kind}.{mark}", people, key=f"quota:{department_id}:{kind}:{period_of(kind) or 'now'}:{limit}:{mark}",
        path=f"{reverse('departments:detail', args=[department.slug])}#quota",
        department=department.name, used=figure(kind, amount), limit=figure(kind, most),
    )  # fmt: skip
