"""Departments, members and grants: typed verbs, one transaction each, recorded."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services import record
from departments import terms
from departments.access import GRANTABLE, Verb
from departments.grant_notices import tell_changed, tell_made
from departments.models import Choice, Department, Grant, GrantEnd, Membership, Role
from rest.problems import Refused, invalid
from rest.secrets import seal, unseal


@transaction.atomic
def create_department(*, name: str, slug: str = "", description: str = "") -> Department:
    """Make a department; the slug defaults to the name's."""
    slug = slug or slugify(name)[:60]
    if not name.strip() or not slug or slug != slugify(slug):
        raise invalid("slug", _("a department needs a name, and a slug of letters, digits and hyphens"))
    try:
        with transaction.atomic():
            department = Department.objects.create(name=name.strip(), slug=slug, description=description)
    except IntegrityError:
        raise Refused("exists", _("There is a department with the slug “%s” already.") % slug) from None
    record("department.create", department, department_id=department.pk)
    return department


@transaction.atomic
def set_member(*, department: Department, person: User, role: str) -> Membership:
    """Give a person a role in a department, whether or not they had one."""
    if role not in Role.values:
        raise invalid(
            "role", _("got “%(got)s”; choose from %(all)s") % {"got": role[:40], "all": ", ".join(Role.values)}
        )
    if role != Role.MANAGER:
        _keep_a_manager(department, person)
    membership, _created = Membership.objects.update_or_create(
        department=department, person=person, defaults={"role": role}
    )
    details = {"person": person.username, "role": role}
    record("member.set", membership, department_id=department.pk, details=details)
    return membership


@transaction.atomic
def share_tuning(*, department: Department, shares: bool) -> Department:
    """Let other departments' studies begin with the parameters that did best in this one's, or no longer."""
    department.shares_tuning = shares
    department.save(update_fields=["shares_tuning"])
    record("department.share_tuning", department, department_id=department.pk, details={"shares": shares})
    return department


@transaction.atomic
def remove_member(*, membership: Membership) -> None:
    """End a membership. The last manager stays."""
    _keep_a_manager(membership.department, membership.person)
    details = {"person": membership.person.username}
    record("member.remove", membership, department_id=membership.department_id, details=details)
    membership.delete()


def _keep_a_manager(department: Department, leaving: User) -> None:
    managers = list(
        Membership.objects.select_for_update()
        .filter(department=department, role=Role.MANAGER)
        .values_list("person_id", flat=True)
    )
    if managers == [leaving.pk]:
        raise Refused("last_manager", _("A department keeps at least one manager. Make another member manager first."))


@transaction.atomic
def create_grant(
    *,
    obj: Any,
    department: Department,
    verbs: Collection[str],
    created_by: User | None,
    columns: Sequence[str] | None = None,
    masks: Mapping[str, Any] | None = None,
    rows: Sequence[str] = (),
    purpose: str = "",
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
    may_extend: bool = False,
    on_end: str = Choice.FREEZE,
    on_end_days: int = 30,
    approver: User | None = None,
    is_answer: bool = False,
) -> Grant:
    """Let `department` do `verbs` on `obj`, a data set or a model, from `starts_at` until `expires_at`.

    `columns`, `masks` and `rows` say what of a data set's rows is given; they must fit its newest version.
    The approver is who decided: without another, who made the grant. The grantee is told, unless the grant is the answer
    to a request, which is told as such.
    """
    kind, object_id = obj.grant_target
    _check_grant(obj, department, verbs, starts_at, expires_at)
    terms.check(kind, object_id, columns, masks or {}, rows)
    grant = Grant.objects.create(
        owner_id=obj.department_id,
        department=department,
        object_kind=kind,
        object_id=object_id,
        verbs=_complete(verbs),
        columns=None if columns is None else list(columns),
        masks=dict(masks or {}),
        rows=list(rows),
        mask_key=seal(secrets.token_hex(32)),
        purpose=purpose[:300],
        starts_at=starts_at or timezone.now(),
        expires_at=expires_at,
        may_extend=may_extend,
        on_end=on_end,
        on_end_days=on_end_days,
        created_by=created_by,
        approver=approver or created_by,
    )
    details = {"verbs": grant.verbs, "to": department.slug, "object": str(object_id)}
    record("grant.create", grant, department_id=obj.department_id, details=details)
    if not is_answer:
        tell_made(grant)
    return grant


def _check_grant(
    obj: Any, department: Department, verbs: Collection[str], starts_at: datetime | None, expires_at: datetime | None
) -> None:
    if department.pk == obj.department_id:
        raise invalid("department", _("the owner needs no grant; choose another department"))
    _check_terms(verbs, starts_at, expires_at)


def _complete(verbs: Collection[str]) -> list[str]:
    """The verbs in their order. Whoever may do anything may know that the object exists."""
    return [verb.value for verb in GRANTABLE if verb in verbs or verb == Verb.DISCOVER]


def _check_terms(verbs: Collection[str], starts_at: datetime | None, expires_at: datetime | None) -> None:
    if not verbs or not set(verbs) <= set(GRANTABLE):
        raise invalid("verbs", _("choose from %s") % ", ".join(GRANTABLE))
    if expires_at and expires_at <= max(timezone.now(), starts_at or timezone.now()):
        raise invalid("expires_at", _("a grant must end after it begins, and in the future"))


CHANGEABLE = (
    "verbs",
    "columns",
    "masks",
    "rows",
    "purpose",
    "starts_at",
    "expires_at",
    "may_extend",
    "on_end",
    "on_end_days",
)


@transaction.atomic
def update_grant(*, grant: Grant, **given: Any) -> Grant:
    """Change what a grant gives, and until when. Narrower terms hold from the next request on."""
    changed = Grant.objects.select_for_update().get(pk=grant.pk)
    if changed.revoked_at is not None:
        raise Refused("revoked", _("This grant was taken back. Make a new one."))
    if GrantEnd.objects.filter(grant=changed).exists():
        raise Refused("expired", _("This grant has expired, and what followed from that is done. Make a new one."))
    for name in set(given) & set(CHANGEABLE):
        setattr(changed, name, given[name])
    _check_terms(changed.verbs, changed.starts_at, changed.expires_at)
    terms.check(changed.object_kind, changed.object_id, changed.columns, changed.masks, changed.rows)
    changed.verbs = _complete(changed.verbs)
    changed.purpose = changed.purpose[:300]
    changed.save()
    details = {"verbs": changed.verbs, "changed": sorted(set(given) & set(CHANGEABLE))}
    record("grant.update", changed, department_id=changed.owner_id, details=details)
    tell_changed(changed)
    return changed


def mask_key(grant_id: UUID) -> bytes:
    """The secret under which a grant's hashes are made. It never leaves the platform, and no two grants share one."""
    sealed = Grant.objects.values_list("mask_key", flat=True).get(pk=grant_id)
    return bytes.fromhex(unseal(sealed))


def drop_grants_on(kind: str, object_id: UUID) -> None:
    """Forget the grants on something that is being deleted."""
    Grant.objects.filter(object_kind=kind, object_id=object_id).delete()


def grants_on(obj: models.Model) -> models.QuerySet[Grant]:
    """All grants on a data set or model, newest first, with their departments."""
    kind, object_id = obj.grant_target  # type: ignore[attr-defined]
    return Grant.objects.filter(object_kind=kind, object_id=object_id).select_related(
        "department", "owner", "created_by", "approver"
    )
