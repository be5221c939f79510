"""Who may see, as one queryset method."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q

from departments.access import Actor, Verb
from departments.models import Grant


class ProtectedQuerySet(models.QuerySet[Any]):
    """For every model that belongs to a department.

    `grant_kind` and `grant_path` say which granted object counts and where its id stands, as in ("dataset", "dataset_id").
    """

    grant_kind: str = ""
    grant_path: str = ""
    # Where it stands whether the object is in the catalogue, as in "dataset__listed"; empty for what never is.
    listed_path: str = ""

    def visible_to(self, actor: Actor) -> Self:
        """Only what `actor` may discover: own departments', granted and listed ones, all for platform admins."""
        if actor.person_id is None or not actor.has_scope(Verb.DISCOVER):
            return self.none()
        if actor.is_platform_admin:
            return self.all()
        own = Q(department_id__in=actor.department_ids)
        if not actor.roles:
            return self.none()
        if self.grant_kind:
            own |= self._granted(actor)
        if self.listed_path:
            own |= Q(**{self.listed_path: True})
        return self.filter(own)

    def _granted(self, actor: Actor) -> Q:
        grants = Grant.objects.live().filter(object_kind=self.grant_kind, department_id__in=actor.department_ids)
        return Q(**{f"{self.grant_path}__in": grants.values("object_id")})

    def in_department(self, department_id: Any) -> Self:
        return self.filter(department_id=department_id)
