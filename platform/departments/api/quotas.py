"""A department's quota over REST."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb, require_in
from departments.api.viewsets import ActorMixin
from departments.models import Department, Quota
from departments.quotas import services
from departments.quotas.kinds import KINDS
from rest.etags import EtagMixin, etag_of


class UseSerializer(serializers.Serializer[Any]):
    """What was used of one kind: CPU in hours, storage in bytes (uploads in flight included), predictions in rows."""

    kind = serializers.ChoiceField(choices=list(KINDS))
    used = serializers.FloatField()
    limit = serializers.FloatField(allow_null=True)
    share = serializers.FloatField(allow_null=True, help_text="Of the limit.")
    state = serializers.ChoiceField(choices=["none", "fine", "near", "full"], help_text="near: from 80 %.")
    resets_at = serializers.DateTimeField(allow_null=True, help_text="Null for storage, which is what is there now.")
    forecast = serializers.FloatField(allow_null=True, help_text="For the month's end, if it goes on like this.")


class QuotaSerializer(serializers.Serializer[Any]):
    """The limits of a department, null for none, and its use of them."""

    department = serializers.SlugField(read_only=True)
    cpu_hours = serializers.FloatField(required=False, allow_null=True, min_value=0, help_text="A month (UTC).")
    storage_bytes = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=services.MOST)
    predictions = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=services.MOST, help_text="Rows answered a month (UTC)."
    )
    updated_at = serializers.DateTimeField(read_only=True, allow_null=True)
    updated_by = serializers.CharField(read_only=True, allow_null=True)
    use = UseSerializer(many=True, read_only=True)

    def to_internal_value(self, data: Any) -> Any:
        unknown = [str(name)[:80] for name in data if name not in services.LIMITS] if isinstance(data, dict) else []
        if unknown:
            known = ", ".join(services.LIMITS)
            raise serializers.ValidationError({name: [f"unknown field; known are {known}"] for name in unknown})
        return super().to_internal_value(data)


class QuotaView(EtagMixin, ActorMixin):
    """What a department may use, and what it has used: seen by its members, set by platform admins."""

    @extend_schema(responses=QuotaSerializer, operation_id="departments_quota_retrieve")
    def get(self, request: Request, slug: str) -> Response:
        """The limits and the use. The ETag is that of the limits."""
        return self._answer(self._department())

    @extend_schema(request=QuotaSerializer, responses=QuotaSerializer, operation_id="departments_quota_partial_update")
    def patch(self, request: Request, slug: str) -> Response:
        """Change some of the limits; null takes one away. Platform admins only."""
        department = self._department()
        self.check_if_match(request, _limits(department))
        asked = QuotaSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        services.set_quota(actor=self.actor, department=department, limits=asked.validated_data)
        return self._answer(department)

    def _department(self) -> Department:
        department = get_object_or_404(Department, slug=self.kwargs["slug"])
        require_in(self.actor, Verb.DISCOVER, department)
        return department

    def _answer(self, department: Department) -> Response:
        quota = Quota.objects.select_related("updated_by").filter(department=department).first()
        limits = _limits(department)
        body = {
            **limits,
            "updated_at": quota.updated_at if quota else None,
            "updated_by": quota.updated_by.username if quota and quota.updated_by else None,
            "use": [_as_json(use) for use in services.uses(department)],
        }
        return Response(QuotaSerializer(body).data, headers={"ETag": etag_of(limits)})


def _limits(department: Department) -> dict[str, Any]:
    quota = Quota.objects.filter(department=department).first()
    return {"department": department.slug} | {name: getattr(quota, name, None) for name in services.LIMITS}


def _as_json(use: services.Use) -> dict[str, Any]:
    unit = KINDS[use.kind].unit
    return {
        "kind": use.kind, "used": use.used / unit, "limit": None if use.limit is None else use.limit / unit,
        "share": use.share, "state": use.state, "resets_at": use.resets_at,
        "forecast": None if use.forecast is None else use.forecast / unit,
    }  # fmt: skip
