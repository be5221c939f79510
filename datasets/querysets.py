"""Who may see which data set, version and recipe, and the catalogue in a constant number of queries."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery

from departments.access import Actor, Verb
from departments.models import Grant
from departments.projection import Projection
from departments.querysets import ProtectedQuerySet

RELATIONS = ("owned", "granted", "discoverable")


class DatasetQuerySet(ProtectedQuerySet):
    grant_kind = "dataset"
    grant_path = "pk"
    listed_path = "listed"

    def with_newest(self) -> Self:
        """With `newest_list` holding the newest version, if any, and rows and columns of the newest ready one."""
        from datasets.models import DatasetVersion

        newest = DatasetVersion.objects.filter(dataset=OuterRef("dataset")).order_by("-number").values("pk")[:1]
        ready = DatasetVersion.objects.filter(dataset=OuterRef("pk"), state="ready").order_by("-number")
        versions = (
            DatasetVersion.objects.filter(pk=Subquery(newest)).select_related("job", "created_by").defer("profile")
        )
        return (
            self.select_related("department", "created_by")
            .annotate(
                **{
                    f"ready_{name}": Subquery(ready.values(name)[:1])
                    for name in ("rows", "columns", "quality", "created_at")
                }
            )
            .prefetch_related(Prefetch("versions", queryset=versions, to_attr="newest_list"))
        )

    def search(self, text: str) -> Self:
        """Every word stands in the name, the description or the department's name."""
        found = self
        for word in text.split()[:8]:
            found = found.filter(
                Q(name__icontains=word) | Q(description__icontains=word) | Q(department__name__icontains=word)
            )
        return found

    def with_column(self, name: str, actor: Actor) -> Self:
        """Some column's name holds the word. A grant on some columns answers for those alone, or it would tell of the rest."""
        word = name.strip().casefold()
        own = Q(department_id__in=actor.department_ids) | Q(listed=True)
        live = Grant.objects.live().filter(object_kind="dataset", department_id__in=actor.department_ids)
        given = [(grant.object_id, Projection.of(grant)) for grant in live]
        whole = [object_id for object_id, projection in given if projection is None]
        partly = {object_id: projection for object_id, projection in given if projection is not None}
        indexes = self.model._default_manager.filter(pk__in=partly, column_index__contains=word)
        part = [pk for pk, index in indexes.values_list("pk", "column_index") if _names(partly[pk], index, word)]
        return self.filter(Q(pk__in=part) | (own | Q(pk__in=whole)) & Q(column_index__contains=word))

    def fresh_since(self, moment: datetime) -> Self:
        """A version became ready since then."""
        return self.filter(versions__state="ready", versions__created_at__gte=moment).distinct()

    def related_as(self, relation: str, actor: Actor) -> Self:
        """Own data sets, those whose rows were granted, or those that can only be discovered."""
        own = Q(department_id__in=actor.department_ids)
        granted = Q(pk__in=_readable(actor))
        if relation == "owned":
            return self.filter(own)
        return self.exclude(own).filter(granted) if relation == "granted" else self.exclude(own | granted)


def _names(projection: Projection, index: str, word: str) -> bool:
    """Whether the word stands in the name of a column that the projection gives."""
    shown = projection.columns and {name.casefold() for name in projection.columns}
    hidden = {name.casefold() for name in projection.hidden}
    return any(word in name and name not in hidden and (shown is None or name in shown) for name in index.split("\n"))


class VersionQuerySet(ProtectedQuerySet):
    grant_kind = "dataset"
    grant_path = "dataset_id"
    listed_path = "dataset__listed"


def _readable(actor: Actor) -> list[object]:
    """The ids of data sets of which a grant lets the actor's departments read rows."""
    grants: QuerySet[Grant] = Grant.objects.live().filter(object_kind="dataset", department_id__in=actor.department_ids)
    return [object_id for object_id, verbs in grants.values_list("object_id", "verbs") if "preview" in verbs]


def relations(actor: Actor, datasets: list[object]) -> dict[object, str]:
    """Return {data set id: how it relates to the actor} in one query."""
    if actor.through is not None:
        return {each.pk: "granted" for each in datasets}  # type: ignore[attr-defined]
    readable = set(_readable(actor))
    own = set(actor.department_ids)
    return {
        each.pk: "owned" if each.department_id in own else "granted" if each.pk in readable else "discoverable"  # type: ignore[attr-defined]
        for each in datasets
    }


class UploadQuerySet(ProtectedQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """A person's own, in departments where they may still upload: nobody else's business, admins included."""
        own = self.filter(created_by_id=actor.person_id, department_id__in=actor.departments_with(Verb.CREATE))
        return own if actor.person_id is not None and actor.has_scope(Verb.DISCOVER) else self.none()


class ErasureQuerySet(ProtectedQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Managers of the department alone: that somebody asked to be forgotten is personal too."""
        return super().visible_to(actor).filter(department_id__in=actor.departments_with(Verb.MANAGE))
