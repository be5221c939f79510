"""The model version that a page or an API route under models/{id}/versions/{n}/ is about."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from rest_framework.generics import GenericAPIView

from departments.access import Actor, Decision, Verb, require
from departments.api.viewsets import ActorMixin
from training.models import ModelVersion

RELATED = ("model", "department", "created_by", "run__dataset_version__dataset", "run__recipe")


def version_for(actor: Actor, model_id: UUID, number: int, verb: Verb) -> tuple[ModelVersion, Decision]:
    """The version, if the actor may do `verb` on it; raises Http404 or Refused (403)."""
    visible = ModelVersion.objects.visible_to(actor).select_related(*RELATED)
    version: ModelVersion = get_object_or_404(visible, model_id=model_id, number=number)
    return version, require(actor, verb, version)


def actor_of(request: HttpRequest) -> Actor:
    found: Actor = request.actor  # type: ignore[attr-defined]
    return found


class VersionView(ActorMixin, GenericAPIView):
    """An API route of one model version."""

    queryset = ModelVersion.objects.none()
    filter_backends = ()
    pagination_class = None

    def version(self, verb: Verb) -> tuple[ModelVersion, Decision]:
        return version_for(self.actor, self.kwargs["model_id"], self.kwargs["number"], verb)

    def param(self, name: str) -> str:
        """A query parameter as text, without NUL characters."""
        asked: Any = self.request.query_params
        return str(asked.get(name, "")).replace("\x00", "")[:200].strip()
