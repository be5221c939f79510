"""The data sets and models that grants and requests are on. They stand above departments, so none is imported here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Model
from django.http import Http404
from django.urls import reverse

from departments.access import Actor, Verb, decide, require
from departments.models import Grant

PAGES: dict[str, str] = {Grant.Kind.DATASET: "datasets:detail", Grant.Kind.MODEL: "training:model"}


def grantable_models() -> dict[str, type[Model]]:
    """The models that a grant can be on, by kind: those whose own id their queryset looks up among the grants."""
    managed = ((model, model._default_manager.none()) for model in apps.get_models())
    return {
        rows.grant_kind: model  # type: ignore[attr-defined]
        for model, rows in managed
        if getattr(rows, "grant_kind", "") and rows.grant_path in ("pk", "id")  # type: ignore[attr-defined]
    }


def visible_target(actor: Actor, kind: str, object_id: UUID) -> Any:
    """The data set or model, if `actor` may discover it; else 404."""
    target = target_of(kind, object_id)
    if target is None:
        raise Http404
    require(actor, Verb.DISCOVER, target)
    return target


def target_of(kind: str, object_id: UUID) -> Any:
    """The data set or model itself, for services that have decided already; None when it is gone."""
    model = grantable_models().get(kind)
    return model and model._default_manager.select_related("department").filter(pk=object_id).first()


def url_of(kind: str, object_id: UUID) -> str:
    return reverse(PAGES[kind], args=[object_id])


def names_of(pairs: Iterable[tuple[str, UUID]], actor: Actor | None = None) -> dict[UUID, str]:
    """Names by id, one query for each kind; without those that `actor` may not see."""
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for kind, object_id in pairs:
        wanted[kind].add(object_id)
    names: dict[UUID, str] = {}
    for kind, model in grantable_models().items():
        if wanted[kind]:
            rows = model._default_manager.all() if actor is None else model._default_manager.visible_to(actor)  # type: ignore[attr-defined]
            names |= {obj.pk: str(obj) for obj in rows.filter(pk__in=wanted[kind])}
    return names


def columns_of(target: Any, actor: Actor) -> list[str]:
    """The names of a data set's columns now, those that `actor` may know of; empty for what has none."""
    projection = decide(actor, Verb.DISCOVER, target).projection
    names = getattr(target, "current_columns", [])
    return [name for name in names if projection is None or projection.gives(name)]


def name_of(kind: str, object_id: UUID) -> str:
    """The name for those whom it concerns already: both sides of a grant or a request."""
    return names_of([(kind, object_id)]).get(object_id, "")
