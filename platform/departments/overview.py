"""What a department's page shows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from departments.access import Actor
from departments.models import Department, Grant, Role
from departments.targets import names_of, url_of

ROLE_MEANINGS = {
    Role.VIEWER: _("reads"),
    Role.ANALYST: _("also uploads, prepares, trains"),
    Role.ENGINEER: _("also deploys and makes tokens"),
    Role.MANAGER: _("also members and grants"),
}


@dataclass(frozen=True, slots=True)
class NamedGrant:
    """A grant with the name of what it is on; no name when the reader may not see it any more."""

    grant: Grant
    name: str

    @property
    def url(self) -> str:
        return url_of(self.grant.object_kind, self.grant.object_id)


def name_grants(grants: QuerySet[Grant], actor: Actor) -> list[NamedGrant]:
    """Pair grants with the names of their objects, one query for each kind."""
    rows = list(grants)
    names = names_of(((grant.object_kind, grant.object_id) for grant in rows), actor)
    return [NamedGrant(grant, names.get(grant.object_id, "")) for grant in rows]


def grants_given(department: Department, actor: Actor) -> list[NamedGrant]:
    return name_grants(department.grants_given.select_related("department", "created_by")[:200], actor)


def grants_received(department: Department, actor: Actor) -> list[NamedGrant]:
    return name_grants(department.grants_received.select_related("owner")[:200], actor)
