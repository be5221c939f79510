"""Who sees which grant, and who ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from departments.access import ROLE_VERBS, Actor, Verb, decide_in
from departments.models import Grant
from rest.problems import Refused

if TYPE_CHECKING:
    from departments.access import Decision


def grants_visible_to(actor: Actor) -> QuerySet[Grant]:
    """The grants that the actor's departments gave or were given; all for platform admins."""
    grants = Grant.objects.select_related("owner", "department", "created_by", "approver")
    if actor.is_platform_admin:
        return grants
    own = actor.department_ids
    return grants.filter(Q(owner__in=own) | Q(department__in=own))


def may_end(actor: Actor, grant: Grant) -> bool:
    """The owner's managers, and platform admins, who may always shut a door."""
    return decide_in(actor, Verb.MANAGE, grant.owner_id).allowed


def require_ending(actor: Actor, grant: Grant) -> Decision:
    """Raise unless the actor may end the grant and decide what follows."""
    decision = decide_in(actor, Verb.MANAGE, grant.owner_id)
    if not decision.allowed:
        if not actor.department_ids:
            raise Http404
        rule = decision.rule if decision.visible else "not-owner"
        detail = decision.detail or _("Only the owner's managers take a grant back.")
        raise Refused(rule, detail, status=403)
    return decision


def require_changing(actor: Actor, grant: Grant) -> None:
    """Raise unless the actor manages the owner. A platform admin shuts doors, and opens none."""
    role = actor.roles.get(grant.owner_id)
    if role is None or Verb.MANAGE not in ROLE_VERBS[role] or not actor.has_scope(Verb.MANAGE):
        rule = f"role-{role}" if role else "not-owner"
        raise Refused(rule, _("Only the owner's managers change what a grant gives."), status=403)


def sees_consequences(actor: Actor, grant: Grant) -> bool:
    """Who decides about what was made from the data, and the department that made it."""
    return may_end(actor, grant) or grant.department_id in actor.roles
