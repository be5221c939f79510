"""Asking for access and answering: typed verbs, one transaction each, recorded, told to whom it concerns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services import record
from departments.access import GRANTABLE, Actor, Verb, require
from departments.ending import prolong
from departments.grant_notices import tell_request
from departments.models import AccessRequest, Department, Grant, RequestState
from departments.services import create_grant
from departments.targets import columns_of, target_of
from rest.problems import Refused, invalid

MOST_DAYS = 730
MAX_PURPOSE = 300
MAX_ANSWER = 500
# An open request that nobody answers for this long lapses, so that nobody waits for ever.
LAPSES_AFTER = timedelta(days=60)


@transaction.atomic
def request_access(
    *,
    actor: Actor,
    target: Any,
    department: Department,
    verbs: Collection[str],
    purpose: str,
    days: int,
    columns: Sequence[str] = (),
    extends: Grant | None = None,
) -> AccessRequest:
    """Ask the owner of `target` to let `department` do `verbs` on it for `days` days, counted from the answer.

    `extends` is a grant of the department that is to go on: approved as asked, its end moves.
    """
    kind, object_id = target.grant_target
    if department.pk not in actor.roles:
        raise Http404  # platform admins too: one asks for a department that one belongs to
    require(actor.within(department.pk), Verb.DISCOVER, target)
    if department.pk == target.department_id:
        raise invalid("department", _("this department is the owner; its members need no grant"))
    if extends is not None and (extends.department_id, extends.object_id) != (department.pk, object_id):
        raise invalid("extends", _("this grant is not the department's, or on something else"))
    _check_terms(verbs, purpose, days)
    _check_columns(actor, target, columns)
    try:
        with transaction.atomic():
            asked = AccessRequest.objects.create(
                owner_id=target.department_id, department=department, object_kind=kind, object_id=object_id,
                verbs=[verb.value for verb in GRANTABLE if verb in verbs or verb == Verb.DISCOVER],
                columns=list(columns), purpose=purpose.strip(), days=days, extends=extends,
                created_by_id=actor.person_id,
            )  # fmt: skip
    except IntegrityError:
        detail = _("%s has asked for this already, and the request is open. Withdraw it to ask for something else.")
        raise Refused("already_requested", detail % department.name) from None
    details = {"verbs": asked.verbs, "days": days, "columns": len(columns), "object": str(object_id)}
    record("access_request.create", asked, department_id=asked.owner_id, details=details)
    tell_request(asked)
    return asked


def _check_terms(verbs: Collection[str], purpose: str, days: int) -> None:
    if not verbs or not set(verbs) <= set(GRANTABLE):
        raise invalid("verbs", _("choose from %s") % ", ".join(GRANTABLE))
    if not purpose.strip() or len(purpose.strip()) > MAX_PURPOSE:
        raise invalid("purpose", _("say what for, in 1 to %d characters") % MAX_PURPOSE)
    if not 1 <= days <= MOST_DAYS:
        raise invalid("days", _("choose 1 to %d days") % MOST_DAYS)


def _check_columns(actor: Actor, target: Any, columns: Sequence[str]) -> None:
    known = set(columns_of(target, actor)) if columns else set()
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise invalid("columns", _("there is no column “%s”") % unknown[0][:80])


@transaction.atomic
def approve_request(
    *,
    actor: Actor,
    request: AccessRequest,
    answer: str = "",
    verbs: Collection[str] | None = None,
    expires_at: datetime | None = None,
    **terms: Any,
) -> AccessRequest:
    """Grant what was asked for, or, with other verbs, end or terms, what the owner decides instead."""
    asked = _open(actor, request)
    target = target_of(asked.object_kind, asked.object_id)
    if target is None:
        raise Refused("gone", _("What was asked for was deleted meanwhile. Refuse the request and say so."))
    end = expires_at or timezone.now() + timedelta(days=asked.days)
    if asked.extends is not None and asked.extends.state == "granted" and verbs is None and not terms:
        asked.grant = prolong(asked.extends, end)
        return _decide(actor, asked, RequestState.APPROVED, answer)
    given = {
        "verbs": list(verbs) if verbs is not None else asked.verbs, "columns": asked.columns or None, "expires_at": end,
        "purpose": asked.purpose, **terms,
    }  # fmt: skip
    person = User.objects.get(username=actor.username)
    asked.grant = create_grant(obj=target, department=asked.department, created_by=person, is_answer=True, **given)
    changed = _differs(asked, asked.grant, columns_of(target, actor))
    return _decide(actor, asked, RequestState.CHANGED if changed else RequestState.APPROVED, answer)


def _differs(asked: AccessRequest, grant: Grant, columns: Sequence[str]) -> bool:
    """Whether what was granted is other than what was asked for. A last day is chosen by the day: one more is rounding."""
    length = (grant.expires_at - timezone.now()) if grant.expires_at else None
    other_end = length is None or abs(length - timedelta(days=asked.days)) > timedelta(days=1)
    other_columns = set(columns if grant.columns is None else grant.columns) != set(asked.columns or columns)
    return other_end or other_columns or bool(grant.masks or grant.rows) or set(grant.verbs) != set(asked.verbs)


@transaction.atomic
def refuse_request(*, actor: Actor, request: AccessRequest, reason: str) -> AccessRequest:
    """Say no, and why."""
    asked = _open(actor, request)
    if not reason.strip():
        raise invalid("reason", _("say why: the requester reads it and can ask for something else"))
    return _decide(actor, asked, RequestState.REFUSED, reason)


@transaction.atomic
def withdraw_request(*, actor: Actor, request: AccessRequest) -> AccessRequest:
    """Take a request back."""
    if not may_withdraw(actor, request):
        detail = _("A request is taken back by whoever made it, or by a manager of their department.")
        raise Refused("not-requester", detail, status=403)
    asked = _locked(request)
    return _decide(actor, asked, RequestState.WITHDRAWN, "")


def _open(actor: Actor, request: AccessRequest) -> AccessRequest:
    """The request, locked, when it waits for an answer that the actor may give."""
    require_decider(actor, request)
    return _locked(request)


def may_decide(actor: Actor, request: AccessRequest) -> bool:
    """Only the owner's managers answer: whose data goes where is no matter of platform admins."""
    return request.owner_id in actor.departments_with(Verb.MANAGE) and actor.has_scope(Verb.MANAGE)


def may_withdraw(actor: Actor, request: AccessRequest) -> bool:
    """Whoever made the request, or a manager of the department that it was made for."""
    own = actor.person_id == request.created_by_id and request.department_id in actor.roles
    return own or request.department_id in actor.departments_with(Verb.MANAGE)


def require_decider(actor: Actor, request: AccessRequest) -> None:
    if not may_decide(actor, request):
        detail = _("Only managers of %s answer this request.") % request.owner.name
        raise Refused("not-owner", detail, status=403)


def _locked(request: AccessRequest) -> AccessRequest:
    found: AccessRequest = AccessRequest.objects.select_for_update(of=("self",)).with_people().get(pk=request.pk)
    if not found.is_open:
        detail = _("This request is closed: %s.") % found.get_state_display()
        raise Refused("request_closed", detail)
    return found


def _decide(actor: Actor, asked: AccessRequest, state: str, answer: str) -> AccessRequest:
    if len(answer.strip()) > MAX_ANSWER:
        raise invalid("answer", _("at most %d characters") % MAX_ANSWER)
    asked.state, asked.answer = state, answer.strip()
    asked.decided_at, asked.decided_by_id = timezone.now(), actor.person_id
    asked.save(update_fields=["state", "answer", "grant", "decided_at", "decided_by"])
    details = {"grant": str(asked.grant_id)} if asked.grant_id else {}
    record(f"access_request.{state}", asked, department_id=asked.owner_id, details=details)
    tell_request(asked)
    return asked
