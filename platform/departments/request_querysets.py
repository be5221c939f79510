"""Who may see which access request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from departments.access import Actor


class AccessRequestQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: Actor) -> Self:
        """The own departments' requests, those that wait for the actor's decision or had it, all for platform admins."""
        from departments.access import Verb

        if actor.person_id is None or not actor.has_scope(Verb.DISCOVER):
            return self.none()
        if actor.is_platform_admin:
            return self.all()
        return self.filter(Q(department__in=actor.department_ids) | Q(owner__in=actor.departments_with(Verb.MANAGE)))

    def to_decide(self, actor: Actor) -> Self:
        """What waits for the actor's decision."""
        from departments.access import Verb

        return self.visible_to(actor).filter(state="open", owner__in=actor.departments_with(Verb.MANAGE))

    def with_people(self) -> Self:
        return self.select_related("owner", "department", "created_by", "decided_by", "grant", "extends")
