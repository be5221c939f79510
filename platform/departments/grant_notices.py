"""Who is told what of a grant and of a request."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone

from departments.models import AccessRequest, Grant, GrantEnd, RequestState
from departments.notices import concerned_by, managers_of, notify
from departments.targets import name_of


def _named(grant: Grant) -> dict[str, Any]:
    name = name_of(grant.object_kind, grant.object_id)
    return {"owner": grant.owner.name, "department": grant.department.name, "name": name}


def _page(grant: Grant) -> str:
    return reverse("departments:grant", args=[grant.pk])


def tell_made(grant: Grant) -> None:
    notify("grant.made", managers_of(grant.department_id), key=f"grant:{grant.pk}", path=_page(grant), **_named(grant))


def tell_changed(grant: Grant) -> None:
    """The grantee, of every change: which one stands on the grant's page."""
    key = f"grant:{grant.pk}:changed:{timezone.now().isoformat()}"
    notify("grant.changed", managers_of(grant.department_id), key=key, path=_page(grant), **_named(grant))


def tell_ending(grant: Grant, *, days: int) -> None:
    """Both sides, in time to ask for more or to finish."""
    assert grant.expires_at is not None
    people = [*managers_of(grant.owner_id), *concerned_by(grant)]
    key = f"grant:{grant.pk}:ending:{days}:{grant.expires_at.isoformat()}"
    day = f"{grant.expires_at:%Y-%m-%d %H:%M} UTC"
    notify("grant.ending", people, key=key, path=_page(grant), day=day, **_named(grant))


def tell_ended(grant: Grant, kind: str) -> None:
    """`kind` is grant.revoked or grant.ended: who used it learns at once what it means for their work."""
    people = [*concerned_by(grant), *(managers_of(grant.owner_id) if kind == "grant.ended" else ())]
    notify(kind, people, key=f"grant:{grant.pk}:end", path=_page(grant), **_named(grant))


def tell_choice(end: GrantEnd) -> None:
    """The grantee, when something that it made was stopped, frozen, or is to be trained again."""
    key = f"grant:{end.grant_id}:choice:{'closed' if end.closed_at else 'end'}"
    notify("data.choice", concerned_by(end.grant), key=key, path=_page(end.grant), **_named(end.grant))


def tell_lifted(grant: Grant) -> None:
    notify("data.lifted", concerned_by(grant), key=f"grant:{grant.pk}:lifted", path=_page(grant), **_named(grant))


def tell_extended(grant: Grant) -> None:
    assert grant.expires_at is not None
    people = [*managers_of(grant.owner_id, grant.department_id)]
    key, day = f"grant:{grant.pk}:until:{grant.expires_at.isoformat()}", f"{grant.expires_at:%Y-%m-%d}"
    notify("grant.extended", people, key=key, path=_page(grant), day=day, **_named(grant))


def tell_request(asked: AccessRequest) -> None:
    """The owner's managers of what arrives or is withdrawn; the requester and their managers of the answer."""
    to_owner = asked.state in {RequestState.OPEN, RequestState.WITHDRAWN}
    people = list(managers_of(asked.owner_id if to_owner else asked.department_id))
    if not to_owner and asked.created_by is not None:
        people.append(asked.created_by)
    kind = "request.made" if asked.is_open else f"request.{asked.state}"
    notify(
        kind, people, key=f"request:{asked.pk}:{asked.state}", path=reverse("departments:request", args=[asked.pk]),
        owner=asked.owner.name, department=asked.department.name, name=name_of(asked.object_kind, asked.object_id),
    )  # fmt: skip
