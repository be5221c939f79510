"""Grants over REST: seen by both sides, ended, prolonged, with what their end means."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from departments.api.serializers import GrantSerializer
from departments.api.viewsets import AtriumViewSet
from departments.consequences import consequences_of, covering
from departments.ending import MOST_EXTENSION, extend_grant, lift_end, revoke_grant
from departments.models import Choice, Grant
from departments.rights import grants_visible_to, require_changing, require_ending, sees_consequences
from departments.services import update_grant
from rest.problems import invalid


class AffectedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.CharField()
    at = serializers.DateTimeField()
    note = serializers.CharField(allow_blank=True)


class GroupSerializer(serializers.Serializer[Any]):
    """Everything of one kind that the grantee made from the data, and what can be chosen about it."""

    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    choices = serializers.ListField(child=serializers.ChoiceField(choices=Choice.choices))
    items = AffectedSerializer(many=True)


class ConsequencesSerializer(serializers.Serializer[Any]):
    """What the end of a grant would mean; `covered_by` is another grant under which everything would go on."""

    grant = serializers.UUIDField()
    covered_by = serializers.UUIDField(allow_null=True)
    kinds = GroupSerializer(many=True)


class RevokeSerializer(serializers.Serializer[Any]):
    """What becomes of what was made from the data: the grant's own choice unless another is given, by kind if need be."""

    choice = serializers.ChoiceField(choices=Choice.choices, required=False)
    choices = serializers.DictField(child=serializers.CharField(max_length=20), required=False)
    until = serializers.DateTimeField(required=False, allow_null=True)


class ExtendSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=MOST_EXTENSION)


class GrantViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Grants given and received by the caller's departments. They are made at the object: datasets/{id}/grants/."""

    serializer_class = GrantSerializer
    queryset = Grant.objects.none()
    ordering_fields = ("created_at", "expires_at")

    def get_queryset(self) -> QuerySet[Grant]:
        if getattr(self, "swagger_fake_view", False):
            return Grant.objects.none()
        return grants_visible_to(self.actor)

    def get_serializer_context(self) -> dict[str, Any]:
        context: dict[str, Any] = {**super().get_serializer_context()}
        return context if getattr(self, "swagger_fake_view", False) else {**context, "actor": self.actor}

    @extend_schema(request=GrantSerializer, responses=GrantSerializer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Change what a grant gives, and until when; it holds at once. The owner's managers may. Honours If-Match."""
        grant = self.get_object()
        require_changing(self.actor, grant)
        self.check_if_match(request, self.get_serializer(grant).data)
        asked = self.get_serializer(grant, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        if "department" in asked.validated_data:
            raise invalid("department", _("a grant stays with its department; make another grant"))
        update_grant(grant=grant, **asked.validated_data)
        return self._answer()

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Take a grant back, at once, with the choice that it carries. The owner's managers and platform admins may."""
        revoke_grant(grant=self._ending(), by=cast(User, request.user))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=RevokeSerializer, responses=GrantSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, id: str) -> Response:
        """Take a grant back, at once, and say what becomes of what was made from the data."""
        grant = self._ending()
        asked = RevokeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        revoke_grant(grant=grant, by=cast(User, request.user), **asked.validated_data)
        return self._answer()

    @extend_schema(responses=ConsequencesSerializer)
    @action(detail=True)
    def consequences(self, request: Request, id: str) -> Response:
        """What was made from the data under the grant: the owner's managers and the grantee see it."""
        grant = self.get_object()
        if not sees_consequences(self.actor, grant):
            require_ending(self.actor, grant)
        other = covering(grant)
        body = {"grant": grant.pk, "covered_by": other.pk if other else None, "kinds": consequences_of(grant)}
        return Response(ConsequencesSerializer(body).data)

    @extend_schema(request=ExtendSerializer, responses=GrantSerializer)
    @action(detail=True, methods=["post"])
    def extend(self, request: Request, id: str) -> Response:
        """Move the end of a running grant, counted from now, if its owner allowed that. The grantee's managers may."""
        asked = ExtendSerializer(data=request.data)
        grant = self.get_object()
        asked.is_valid(raise_exception=True)
        extend_grant(actor=self.actor, grant=grant, days=asked.validated_data["days"])
        return self._answer()

    @extend_schema(request=None, responses=GrantSerializer)
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, id: str) -> Response:
        """Let what the end of the grant froze be used again."""
        lift_end(grant=self._ending())
        return self._answer()

    def _ending(self) -> Grant:
        grant: Grant = self.get_object()
        require_ending(self.actor, grant)
        self.check_if_match(self.request, self.get_serializer(grant).data)
        return grant

    def _answer(self) -> Response:
        found = self.get_queryset().filter(pk=self.kwargs["id"]).first()
        if found is None:
            raise Http404
        return Response(self.get_serializer(found).data)
