"""What every view set of a protected kind of object shares."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.api.authentication import token_of
from departments.access import Actor, Decision, Verb, actor_for, require
from rest.etags import EtagMixin
from rest.idempotency import IdempotentMixin


class ActorMixin(APIView):
    """Gives a DRF view its actor."""

    @property
    def actor(self) -> Actor:
        """Who acts; computed once a request."""
        if not hasattr(self.request, "_actor"):
            self.request._actor = actor_for(self.request.user, token_of(self.request))  # type: ignore[attr-defined]
        return self.request._actor  # type: ignore[attr-defined,no-any-return]


class AtriumViewSet(IdempotentMixin, EtagMixin, ActorMixin, GenericViewSet):
    """Starts from nothing and narrows from what the actor may see.

    A subclass names `model` and calls `self.object(Verb.…)` for what it works on.
    """

    model: Any = None
    lookup_field = "id"
    lookup_value_converter = "uuid"
    ordering: tuple[str, ...] = ()
    ordering_fields: tuple[str, ...] = ("created_at",)

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return self.model.objects.none()  # type: ignore[no-any-return]
        return self.model.objects.visible_to(self.actor)  # type: ignore[no-any-return]

    def object(self, verb: Verb) -> Any:
        """The object of this URL, if the actor may do `verb` on it; else 404 or 403."""
        obj = self.get_object()
        self.decision: Decision = require(self.actor, verb, obj)
        return obj
