"""Who may see which sign-off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from departments.access import Actor


class SignOffQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: Actor) -> Self:
        """The own departments' requests, and those that wait for the actor's answer or had it."""
        from departments.access import Verb

        if actor.person_id is None or not actor.has_scope(Verb.DISCOVER):
            return self.none()
        if actor.is_platform_admin:
            return self.all()
        return self.filter(Q(department__in=actor.department_ids) | Q(owner__in=actor.departments_with(Verb.MANAGE)))

    def to_decide(self, actor: Actor) -> Self:
        """What waits for the actor's answer: nobody answers what they asked themselves."""
        from departments.access import Verb

        mine = self.visible_to(actor).filter(state="open", owner__in=actor.departments_with(Verb.MANAGE))
        return mine.exclude(created_by=actor.person_id)

    def with_names(self) -> Self:
        related = ("owner", "department", "created_by", "decided_by", "model_version__model")
        return self.select_related(*related).defer("model_version__manifest", "model_version__card")
