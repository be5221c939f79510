"""The audit trail over REST: a department's managers read their own, platform admins all."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import mixins, serializers

from audit.models import AuditEvent
from departments.access import Verb
from departments.api.viewsets import AtriumViewSet


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """Who did what, to which version, under which rule, from where."""

    class Meta:
        model = AuditEvent
        fields = (
            "id", "created_at", "actor_id", "actor_name", "token_id", "address", "request_id", "verb",
            "object_kind", "object_id", "object_name", "version", "department_id", "rule", "details",
        )  # fmt: skip
        read_only_fields = fields


class AuditFilter(django_filters.FilterSet):
    """`?verb=dataset.create&actor_name=alice&since=2026-01-01T00:00:00Z`."""

    since = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = AuditEvent
        fields: dict[str, Any] = {name: ["exact"] for name in ("verb", "actor_name", "object_kind", "object_id")}


class AuditViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Read only: the trail is written by the platform alone."""

    serializer_class = AuditEventSerializer
    queryset = AuditEvent.objects.none()
    filterset_class = AuditFilter

    def get_queryset(self) -> QuerySet[AuditEvent]:
        if getattr(self, "swagger_fake_view", False):
            return AuditEvent.objects.none()
        if self.actor.is_platform_admin:
            return AuditEvent.objects.all()
        return AuditEvent.objects.filter(department_id__in=self.actor.departments_with(Verb.MANAGE))
