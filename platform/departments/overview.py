"""What a department's page shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.apps import apps
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from departments.access import Actor
from departments.models import Department, Grant, Role

# Grants stand below what they are on: pages are named by their route, not imported.
PAGES: dict[str, str] = {Grant.Kind.DATASET: "datasets:detail", Grant.Kind.MODEL: "training:model"}
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
        return reverse(PAGES[self.grant.object_kind], args=[self.grant.object_id])


def grantable_models() -> dict[str, type[Model]]:
    """The models that a grant can be on, by kind: those whose own id their queryset looks up among the grants."""
    managed = ((model, model._default_manager.none()) for model in apps.get_models())
    return {
        rows.grant_kind: model  # type: ignore[attr-defined]
        for model, rows in managed
        if getattr(rows, "grant_kind", "") and rows.grant_path in ("pk", "id")  # type: ignore[attr-defined]
    }


def name_grants(grants: QuerySet[Grant], actor: Actor) -> list[NamedGrant]:
    """Pair grants with the names of their objects, one query for each kind."""
    rows = list(grants)
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for grant in rows:
        wanted[grant.object_kind].add(grant.object_id)
    names: dict[UUID, str] = {}
    for kind, model in grantable_models().items():
        found = model._default_manager.visible_to(actor).filter(pk__in=wanted[kind])  # type: ignore[attr-defined]
        names |= {obj.pk: str(obj) for obj in found}
    return [NamedGrant(grant, names.get(grant.object_id, "")) for grant in rows]


def grants_given(department: Department, actor: Actor) -> list[NamedGrant]:
    return name_grants(department.grants_given.select_related("department", "created_by")[:200], actor)


def grants_received(department: Department, actor: Actor) -> list[NamedGrant]:
    return name_grants(department.grants_received.select_related("owner")[:200], actor)
