"""Access requests over REST: ask, follow, answer."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import GRANTABLE
from departments.access_requests import (
    MAX_ANSWER,
    MAX_PURPOSE,
    MOST_DAYS,
    approve_request,
    refuse_request,
    request_access,
    withdraw_request,
)
from departments.api.viewsets import AtriumViewSet
from departments.models import AccessRequest, Choice, Department, Grant, RequestState
from departments.targets import visible_target

VERBS = [verb.value for verb in GRANTABLE]


class AccessRequestSerializer(serializers.ModelSerializer[AccessRequest]):
    """What one department asks of another, and what came of it; `expires_at` is the end of the resulting grant."""

    owner = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all())
    object_kind = serializers.ChoiceField(choices=Grant.Kind.choices)
    verbs = serializers.ListField(child=serializers.ChoiceField(choices=VERBS), allow_empty=False)
    columns = serializers.ListField(child=serializers.CharField(max_length=1000), required=False, max_length=10_000)
    purpose = serializers.CharField(max_length=MAX_PURPOSE)
    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, default=90)
    extends = serializers.PrimaryKeyRelatedField(queryset=Grant.objects.all(), required=False, allow_null=True)
    grant = serializers.UUIDField(source="grant_id", read_only=True, allow_null=True)
    expires_at = serializers.DateTimeField(source="grant.expires_at", read_only=True, default=None, allow_null=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    decided_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:access-request-detail", lookup_field="id")

    class Meta:
        model = AccessRequest
        fields = (
            "id", "owner", "department", "object_kind", "object_id", "verbs", "columns", "purpose", "days", "extends", "state",
            "answer", "grant", "expires_at", "created_at", "created_by", "decided_at", "decided_by", "url",
        )  # fmt: skip
        read_only_fields = ("id", "state", "answer", "created_at", "decided_at")
        # The service says that a request is open already.
        validators: list[Any] = []


class ApprovalSerializer(serializers.Serializer[Any]):
    """The owner's terms where they differ from what was asked for."""

    verbs = serializers.ListField(child=serializers.ChoiceField(choices=VERBS), allow_empty=False, required=False)
    columns = serializers.ListField(
        child=serializers.CharField(max_length=1000), required=False, allow_null=True, max_length=10_000
    )
    masks = serializers.DictField(required=False)
    rows = serializers.ListField(child=serializers.CharField(max_length=1000), required=False, max_length=100)
    expires_at = serializers.DateTimeField(required=False)
    on_end = serializers.ChoiceField(choices=Choice.choices, required=False)
    on_end_days = serializers.IntegerField(min_value=1, max_value=730, required=False)
    may_extend = serializers.BooleanField(required=False)
    answer = serializers.CharField(max_length=MAX_ANSWER, required=False, allow_blank=True)


class RefusalSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=MAX_ANSWER)


class AccessRequestFilter(django_filters.FilterSet):
    """`?state=open&object_id=…`."""

    department = django_filters.CharFilter(field_name="department__slug")
    owner = django_filters.CharFilter(field_name="owner__slug")
    state = django_filters.ChoiceFilter(choices=RequestState.choices)

    class Meta:
        model = AccessRequest
        fields: dict[str, Any] = {"object_kind": ["exact"], "object_id": ["exact"]}


class AccessRequestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Requests that the caller's departments made, and those that the caller may answer."""

    model = AccessRequest
    queryset = AccessRequest.objects.none()
    serializer_class = AccessRequestSerializer
    filterset_class = AccessRequestFilter
    ordering_fields = ("created_at", "decided_at")

    def get_queryset(self) -> QuerySet[AccessRequest]:
        return super().get_queryset().with_people()  # type: ignore[attr-defined,no-any-return]

    @extend_schema(responses={201: AccessRequestSerializer})
    def create(self, request: Request) -> Response:
        """Ask the owner of a data set or model for access."""
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        target = visible_target(self.actor, given.pop("object_kind"), given.pop("object_id"))
        made = request_access(actor=self.actor, target=target, **given)
        return self._answer(made, status=status.HTTP_201_CREATED)

    @extend_schema(request=ApprovalSerializer, responses=AccessRequestSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, id: str) -> Response:
        """Grant what was asked for, or what the body says instead. Managers of the owner; honours If-Match."""
        asked, given = self._steered(ApprovalSerializer)
        return self._answer(approve_request(actor=self.actor, request=asked, **given))

    @extend_schema(request=RefusalSerializer, responses=AccessRequestSerializer)
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, id: str) -> Response:
        """Say no, and why. Managers of the owner; honours If-Match."""
        asked, given = self._steered(RefusalSerializer)
        return self._answer(refuse_request(actor=self.actor, request=asked, **given))

    @extend_schema(request=None, responses=AccessRequestSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, id: str) -> Response:
        """Take the request back. Whoever made it, or a manager of the department that it was made for."""
        return self._answer(withdraw_request(actor=self.actor, request=self.get_object()))

    def _steered(self, body: type[serializers.Serializer[Any]]) -> tuple[AccessRequest, dict[str, Any]]:
        asked = self.get_object()
        self.check_if_match(self.request, self.get_serializer(asked).data)
        given = body(data=self.request.data)
        given.is_valid(raise_exception=True)
        return asked, dict(given.validated_data)

    def _answer(self, asked: AccessRequest, **kwargs: Any) -> Response:
        fresh = get_object_or_404(AccessRequest.objects.with_people(), pk=asked.pk)
        return Response(self.get_serializer(fresh).data, **kwargs)
