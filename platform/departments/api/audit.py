"""The audit trail over REST: a department's managers read their own, platform admins all."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from audit.models import AuditEvent
from audit.services import record
from departments.access import Verb
from departments.api.viewsets import AtriumViewSet
from departments.audit_export import FORMATS, parts
from departments.audit_filter import AuditFilter
from rest.problems import invalid
from rest.streams import download


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """Who did what, to which version, under which rule, from where."""

    class Meta:
        model = AuditEvent
        fields = (
            "id", "sequence", "created_at", "actor_id", "actor_name", "token_id", "address", "request_id", "verb",
            "object_kind", "object_id", "object_name", "version", "department_id", "rule", "details", "mac", "chain",
        )  # fmt: skip
        read_only_fields = fields


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

    @extend_schema(
        parameters=[OpenApiParameter("as", str, enum=list(FORMATS), description="csv without")],
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )
    @action(detail=False)
    def export(self, request: Request) -> HttpResponseBase:
        """The events that the filters leave, oldest first, as CSV (safe for spreadsheets) or JSON Lines."""
        kind = request.query_params.get("as", "csv")
        if kind not in FORMATS:
            raise invalid("as", f"choose from {', '.join(FORMATS)}")
        rows = self.filter_queryset(self.get_queryset())
        record("audit.export", details={"format": kind, "events": rows.count()})
        return download(request._request, parts(rows, kind), name=f"audit.{kind}", content_type=FORMATS[kind])
