"""Finding data sets: the filters that stand in the address, and how one asks for what may only be discovered."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Self

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from datasets.models import Dataset
from datasets.querysets import RELATIONS, DatasetQuerySet
from departments.access import Actor
from departments.models import AccessRequest

RELATION_WORDS = {"": _("All"), "owned": _("Ours"), "granted": _("Granted to us"), "discoverable": _("On request")}
FRESHNESS = {"": _("Any age"), "7": _("Last 7 days"), "30": _("Last 30 days"), "365": _("Last year")}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the catalogue is narrowed by."""

    search: str = ""
    department: str = ""
    relation: str = ""
    fresh: str = ""
    column: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """As the address says; what is none of the choices is left out."""
        given = {field.name: query.get(field.name, "").replace("\0", "")[:200] for field in fields(cls)}
        known = {"relation": RELATIONS, "fresh": FRESHNESS}
        return cls(**{name: text for name, text in given.items() if text in known.get(name, (text,))})

    def applied_to(self, rows: DatasetQuerySet, actor: Actor) -> DatasetQuerySet:
        found = rows.search(self.search)
        if self.department:
            found = found.filter(department__slug=self.department)
        if self.relation:
            found = found.related_as(self.relation, actor)
        if self.fresh:
            found = found.fresh_since(timezone.now() - timedelta(days=int(self.fresh)))
        return found.with_column(self.column, actor) if self.column else found


def asking(actor: Actor, dataset: Dataset) -> dict[str, Any]:
    """Whether the actor can ask for access, and the open request of their departments, if any."""
    others = [department for department in actor.department_ids if department != dataset.department_id]
    mine = AccessRequest.objects.visible_to(actor).filter(department__in=others, object_id=dataset.pk, state="open")
    found = mine.first() if others else None
    return {"may_request": bool(others) and found is None, "open_request": found}
