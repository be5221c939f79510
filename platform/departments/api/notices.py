"""Notices over REST: one's own, to read and to mark as read."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from departments.api.viewsets import AtriumViewSet
from departments.models import Notice
from departments.notices import text_of


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    """What somebody was told: in words, by kind and names, and the page that it leads to."""

    text = serializers.SerializerMethodField()
    url = serializers.HyperlinkedIdentityField(view_name="api:notice-detail", lookup_field="id")

    class Meta:
        model = Notice
        fields = ("id", "kind", "text", "details", "path", "created_at", "read_at", "url")
        read_only_fields = fields

    def get_text(self, notice: Notice) -> str:
        return text_of(notice)


class NoticeFilter(django_filters.FilterSet):
    """`?unread=true&kind=grant.ending`."""

    unread = django_filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")

    class Meta:
        model = Notice
        fields: dict[str, Any] = {"kind": ["exact"]}


class NoticeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """The caller's own notices."""

    serializer_class = NoticeSerializer
    queryset = Notice.objects.none()
    filterset_class = NoticeFilter

    def get_queryset(self) -> QuerySet[Notice]:
        if getattr(self, "swagger_fake_view", False):
            return Notice.objects.none()
        return Notice.objects.filter(person=self.actor.person_id)

    @extend_schema(request=None, responses=NoticeSerializer)
    @action(detail=True, methods=["post"])
    def read(self, request: Request, id: str) -> Response:
        """Mark one as read."""
        notice = self.get_object()
        self.get_queryset().filter(pk=notice.pk, read_at=None).update(read_at=timezone.now())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(operation_id="notices_read_all", request=None, responses={204: None})
    @action(detail=False, methods=["post"], url_path="read")
    def read_all(self, request: Request) -> Response:
        """Mark all as read."""
        self.get_queryset().filter(read_at=None).update(read_at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
