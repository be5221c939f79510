"""Who may see a source: those who may work with it, which its department's viewers may not."""

from __future__ import annotations

from typing import Self

from departments.access import Actor, Verb
from departments.querysets import ProtectedQuerySet


class SourceQuerySet(ProtectedQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """The sources of the departments in which the actor may import data."""
        if actor.person_id is None or not actor.has_scope(Verb.DISCOVER):
            return self.none()
        return self.filter(department_id__in=actor.departments_with(Verb.CREATE))
