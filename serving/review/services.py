"""Cases for people: taken or given, decided once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services import record
from departments.access import ROLE_VERBS, Actor, Verb, decide_in
from departments.models import Membership
from rest.problems import Refused, invalid
from serving.outcomes.models import OutcomeSource
from serving.outcomes.services import Told, take
from serving.outcomes.truth import NotATruth, reader_of
from serving.review.models import ReviewItem, ReviewState

MAX_NOTE = 2000


def assign(*, actor: Actor, item: ReviewItem, person: User | None) -> ReviewItem:
    """Take a case, give it to a colleague who may decide, or lay it back (None). Raises Refused."""
    rule = _require_decider(actor, item)
    if person is not None and not may_decide(person, item.department_id):
        raise invalid("person", _("choose a member of the department who is analyst, engineer or manager"))
    with transaction.atomic():
        locked = _locked(item)
        _require_open(locked)
        locked.assignee = person
        locked.save(update_fields=["assignee"])
        record("review.assign", locked, rule=rule, details={"person": person.username if person else None})
    return locked


def take_free(*, actor: Actor, item: ReviewItem) -> ReviewItem:
    """Take a case that nobody has: of two who reach for it at once, one gets it. Raises Refused (409) for the other."""
    rule = _require_decider(actor, item)
    with transaction.atomic():
        locked = _locked(item)
        _require_open(locked)
        _require_free(locked, actor)
        locked.assignee_id = actor.person_id
        locked.save(update_fields=["assignee"])
        record("review.assign", locked, rule=rule, details={"person": actor.username})
    return locked


def settle(*, actor: Actor, item: ReviewItem, decision: Any, note: str = "", is_truth: bool = False) -> ReviewItem:
    """Decide a case, once. `is_truth`: the person knows what really is, so it is kept as the outcome too.

    Raises Refused: 409 where it is decided already or a colleague has it, 422 for what cannot be decided.
    """
    rule = _require_decider(actor, item)
    try:
        value = reader_of(item.prediction.model_version)(decision)
    except NotATruth as wrong:
        raise invalid("decision", str(wrong)) from None
    with transaction.atomic():
        locked = _locked(item)
        _require_open(locked)
        _require_free(locked, actor)
        locked.state, locked.decision, locked.note = ReviewState.DECIDED, value, note.strip()[:MAX_NOTE]
        locked.is_truth, locked.decided_by_id, locked.decided_at = is_truth, actor.person_id, timezone.now()
        locked.assignee_id = actor.person_id
        locked.save()
        record("review.decide", locked, rule=rule, details={"is_truth": is_truth})
        if is_truth:
            told = [Told(item.prediction.request_id, value, item.instance)]
            take(actor=actor, deployment=item.deployment, told=told, source=OutcomeSource.REVIEW)
    return locked


def _locked(item: ReviewItem) -> ReviewItem:
    found: ReviewItem = ReviewItem.objects.select_for_update(of=("self",)).get(pk=item.pk)
    return found


def _require_decider(actor: Actor, item: ReviewItem) -> str:
    decision = decide_in(actor, Verb.PREDICT, item.department_id)
    if not decision.allowed:
        raise Refused(decision.rule, decision.detail, status=403)
    return decision.rule


def _require_open(item: ReviewItem) -> None:
    if item.state != ReviewState.OPEN:
        who = item.decided_by.get_full_name() if item.decided_by else "–"
        raise Refused("decided", _("%s has decided this case already.") % who)


def _require_free(item: ReviewItem, actor: Actor) -> None:
    if item.assignee_id not in (None, actor.person_id):
        assert item.assignee is not None
        detail = _("%s has taken this case. Take it over first, if that is agreed.")
        raise Refused("taken", detail % item.assignee.get_full_name())


def may_decide(person: User, department_id: UUID) -> bool:
    return person in deciders(department_id)


def deciders(department_id: UUID) -> list[User]:
    """The members whose role lets them decide."""
    roles = [role for role, verbs in ROLE_VERBS.items() if Verb.PREDICT in verbs]
    rows = Membership.objects.filter(department_id=department_id, role__in=roles, person__is_active=True)
    return [row.person for row in rows.select_related("person").order_by("person__username")]
