"""The one decision function: (actor, verb, object) → allowed, and by which rule.

Preview, download, recipe, training, prediction and every page ask here; `querysets.py` answers the same question for
lists. Hidden is 404, identical to a missing id; visible but not allowed is 403 with the rule's name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _

from accounts.models import ApiToken, Scope
from departments.models import Department, Grant, Membership, Role
from departments.projection import Projection, width
from rest.problems import Refused


class Verb(StrEnum):
    """What can be asked for. The first six can be granted to another department."""

    DISCOVER = "discover"
    PREVIEW = "preview"
    TRAIN = "train"
    FEDERATE = "federate"
    EXPORT = "export"
    PREDICT = "predict"
    CREATE = "create"
    EDIT = "edit"
    DEPLOY = "deploy"
    MANAGE = "manage"


GRANTABLE = (Verb.DISCOVER, Verb.PREVIEW, Verb.TRAIN, Verb.FEDERATE, Verb.EXPORT, Verb.PREDICT)
_READS = frozenset({Verb.DISCOVER, Verb.PREVIEW, Verb.EXPORT})
_ANALYST = _READS | {Verb.CREATE, Verb.EDIT, Verb.TRAIN, Verb.FEDERATE, Verb.PREDICT}
ROLE_VERBS: dict[str, frozenset[Verb]] = {
    Role.VIEWER: _READS,
    Role.ANALYST: _ANALYST,
    Role.ENGINEER: _ANALYST | {Verb.DEPLOY},
    Role.MANAGER: _ANALYST | {Verb.DEPLOY, Verb.MANAGE},
}
# A grant is used by members whose role holds the verb at home: a viewer does not train on borrowed data.
_SCOPES: dict[Verb, frozenset[str]] = {
    Verb.DISCOVER: frozenset(Scope.values),
    Verb.PREVIEW: frozenset({Scope.READ, Scope.WRITE}),
    Verb.EXPORT: frozenset({Scope.READ, Scope.WRITE}),
    Verb.PREDICT: frozenset({Scope.PREDICT, Scope.WRITE}),
}


class Protected(Protocol):
    """What access is decided on. `grant_target` names the data set or model whose grants count, if any."""

    @property
    def department_id(self) -> UUID: ...

    @property
    def grant_target(self) -> tuple[str, UUID] | None: ...


@dataclass(frozen=True)
class Actor:
    """A person as access sees them: roles by department, narrowed by the token in use.

    `through` is set where an owner looks at something as a grantee would: that one grant is all that counts.
    """

    person_id: UUID | None = None
    username: str = ""
    is_platform_admin: bool = False
    roles: dict[UUID, str] = field(default_factory=dict)
    scopes: frozenset[str] | None = None
    through: Grant | None = None

    def has_scope(self, verb: Verb) -> bool:
        """Whether the token in use, if any, covers the verb."""
        return self.scopes is None or bool(self.scopes & _SCOPES.get(verb, frozenset({Scope.WRITE})))

    def departments_with(self, verb: Verb) -> list[UUID]:
        """The departments in which the role holds `verb`."""
        return [department for department, role in self.roles.items() if verb in ROLE_VERBS[role]]

    def within(self, department_id: UUID) -> Actor:
        """The same person as a member of that one department alone."""
        return replace(self, roles={d: role for d, role in self.roles.items() if d == department_id})

    @cached_property
    def department_ids(self) -> list[UUID]:
        return list(self.roles)


NOBODY = Actor()


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` names what decided; `visible` says whether the object's existence may be known.

    `projection` says what of a table's rows the rule gives; None is the whole table.
    """

    allowed: bool
    rule: str
    visible: bool
    detail: str = ""
    projection: Projection | None = None


def actor_for(user: Any, token: ApiToken | None = None) -> Actor:
    """Return the actor of a signed-in person; a token limited to one department narrows the roles to it."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return NOBODY
    return _actor(user, token, dict(Membership.objects.filter(person_id=user.pk).values_list("department_id", "role")))


def actors_for(tokens: Collection[ApiToken]) -> dict[UUID, Actor]:
    """The actors of many live tokens, by the token's id, in one query."""
    roles: dict[UUID, dict[UUID, str]] = {token.person_id: {} for token in tokens}
    found = Membership.objects.filter(person_id__in=roles).values_list("person_id", "department_id", "role")
    for person, department, role in found:
        roles[person][department] = role
    return {
        token.pk: _actor(token.person, token, roles[token.person_id]) if token.person.is_active else NOBODY
        for token in tokens
    }


def _actor(user: Any, token: ApiToken | None, roles: dict[UUID, str]) -> Actor:
    if token is not None and token.department_id is not None:
        roles = {d: role for d, role in roles.items() if d == token.department_id}
    limited = token is not None and token.department_id is not None
    return Actor(
        person_id=user.pk,
        username=user.username,
        is_platform_admin=user.is_platform_admin and not limited,
        roles=roles,
        scopes=frozenset(token.scopes) if token is not None else None,
    )


def decide(actor: Actor, verb: Verb, obj: Protected, *, grants: list[Grant] | None = None) -> Decision:
    """Decide whether `actor` may do `verb` on `obj` now. Unsure means no. `grants` are those of `grants_for`, if known."""
    if actor.person_id is None:
        return Decision(False, "signed-out", visible=False)
    by_role = _by_role(actor, verb, obj.department_id)
    # A role that allows settles it: on the way of a member's own work no grant is looked up.
    settled = by_role is not None and by_role.allowed
    rules = (by_role,) if settled else (by_role, *_by_others(actor, verb, obj, grants))
    answers = [answer for answer in rules if answer is not None]
    found = next((answer for answer in answers if answer.allowed), answers[0] if answers else None)
    if found is None:
        return Decision(False, "no-grant", visible=False)
    if found.visible and not actor.has_scope(verb):
        return Decision(False, "token-scope", visible=True, detail=_("The token's scopes do not include this."))
    return found


def _by_role(actor: Actor, verb: Verb, department_id: UUID) -> Decision | None:
    role = actor.roles.get(department_id)
    if role is None:
        return None
    if verb in ROLE_VERBS[role]:
        return Decision(True, f"role-{role}", visible=True)
    detail = _("Your role in this department is %(role)s, which does not include “%(verb)s”.")
    return Decision(False, f"role-{role}", visible=True, detail=detail % {"role": role, "verb": verb.value})


def _by_grant(actor: Actor, verb: Verb, obj: Protected, known: list[Grant] | None) -> Decision | None:
    if obj.grant_target is None or not (actor.roles or actor.through):
        return None
    return _among(actor, verb, _grants_of(actor, [obj.grant_target]) if known is None else known)


def _grants_of(actor: Actor, targets: Collection[tuple[str, UUID]]) -> list[Grant]:
    """The grants that count for the actor on these objects, at this very moment."""
    if actor.through is not None:
        return [actor.through] if (actor.through.object_kind, actor.through.object_id) in targets else []
    ids = {object_id for _kind, object_id in targets}
    found = Grant.objects.live().filter(object_id__in=ids, department__in=actor.department_ids)
    return [grant for grant in found if (grant.object_kind, grant.object_id) in targets]


def _among(actor: Actor, verb: Verb, grants: list[Grant]) -> Decision | None:
    """Decide by the grants on one object. Of several that cover the verb one counts, the widest, then the newest:
    what two grants give is never put together.
    """
    if not grants:
        return None
    covering = [grant for grant in grants if verb in grant.verbs and _holds(actor, verb, grant)]
    if covering:
        chosen = max(covering, key=lambda grant: (*width(Projection.of(grant)), grant.created_at, grant.pk))
        rule = f"{'view-as' if actor.through else 'grant'}-{chosen.pk}"
        return Decision(True, rule, visible=True, projection=Projection.of(chosen))
    detail = _("The grant to your department, or your role in it, does not include “%(verb)s”.")
    return Decision(False, "grant-verbs", visible=True, detail=detail % {"verb": verb.value})


def _holds(actor: Actor, verb: Verb, grant: Grant) -> bool:
    return actor.through is grant or verb in ROLE_VERBS[actor.roles[grant.department_id]]


def _by_others(actor: Actor, verb: Verb, obj: Protected, grants: list[Grant] | None) -> tuple[Decision | None, ...]:
    by_grant, by_catalogue = _by_grant(actor, verb, obj, grants), _by_catalogue(actor, verb, obj)
    # A grant takes nothing away: what everybody may discover, a grantee may too.
    first = (by_catalogue, by_grant) if verb == Verb.DISCOVER else (by_grant, by_catalogue)
    return *first, _by_admin(actor, verb)


def _by_catalogue(actor: Actor, verb: Verb, obj: Protected) -> Decision | None:
    """What its owner put in the catalogue may be discovered by everyone who belongs to a department."""
    if not actor.roles or not getattr(obj, "listed", False):
        return None
    if verb == Verb.DISCOVER:
        return Decision(True, "catalogue", visible=True)
    detail = _("The catalogue shows that this exists. Request access, and its owner decides about the rest.")
    return Decision(False, "catalogue", visible=True, detail=detail)


def _by_admin(actor: Actor, verb: Verb) -> Decision | None:
    if not actor.is_platform_admin:
        return None
    if verb == Verb.DISCOVER:
        return Decision(True, "platform-admin", visible=True)
    detail = _(
        "Platform admins manage departments and see health and audit; they do not work with a department's data."
    )
    return Decision(False, "platform-admin", visible=True, detail=detail)


def grants_for(actor: Actor, objs: Iterable[Any]) -> dict[UUID, list[Grant]]:
    """The grants that count on many objects, by the object's id, in one query: for `decide(…, grants=…)` in lists."""
    foreign = {obj.grant_target for obj in objs if obj.grant_target and obj.department_id not in actor.roles}
    found: dict[UUID, list[Grant]] = {}
    for grant in _grants_of(actor, foreign) if foreign else ():
        found.setdefault(grant.object_id, []).append(grant)
    return found


def seen_through(grant: Grant, actor: Actor) -> Actor:
    """The same person, seeing what the grant gives and nothing else."""
    return Actor(actor.person_id, actor.username, scopes=actor.scopes, through=grant)


def require(actor: Actor, verb: Verb, obj: Protected, *, grants: list[Grant] | None = None) -> Decision:
    """Return the decision, or raise: 404 when the object is hidden, 403 with the rule when it is only visible."""
    decision = decide(actor, verb, obj, grants=grants)
    if not decision.allowed:
        if not decision.visible:
            raise Http404
        raise Refused(decision.rule, decision.detail, status=403)
    return decision


def decide_in(actor: Actor, verb: Verb, department_id: UUID) -> Decision:
    """Decide whether `actor` may do `verb` inside a department, as when creating something there."""
    if actor.person_id is None:
        return Decision(False, "signed-out", visible=False)
    found = _by_role(actor, verb, department_id)
    if found is None and actor.is_platform_admin and verb in {Verb.DISCOVER, Verb.MANAGE}:
        found = Decision(True, "platform-admin", visible=True)
    if found is None:
        return Decision(False, "no-membership", visible=False)
    if not actor.has_scope(verb):
        return Decision(False, "token-scope", visible=True, detail=_("The token's scopes do not include this."))
    return found


def require_in(actor: Actor, verb: Verb, department: Department) -> Decision:
    """Like `require`, for a department. A department that the actor does not belong to is hidden."""
    decision = decide_in(actor, verb, department.pk)
    if not decision.allowed:
        if not decision.visible:
            raise Http404
        raise Refused(decision.rule, decision.detail, status=403)
    return decision
