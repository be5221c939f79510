"""Forgetting people over REST, for managers."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.erasure import services
from datasets.models import Erasure
from departments.access import Verb
from departments.api.viewsets import AtriumViewSet
from departments.models import Department


class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    """One search for a person's key; `report` says where it stands, who saw it, and what was erased."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    job = serializers.UUIDField(source="job_id", read_only=True, allow_null=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:erasure-detail", lookup_field="id")

    class Meta:
        model = Erasure
        fields = (
            "id", "department", "state", "columns", "reason", "report", "error", "job", "created_at", "erased_at",
            "created_by", "url",
        )  # fmt: skip
        read_only_fields = fields


class NewErasureSerializer(serializers.Serializer[Any]):
    """The key that names the person, such as an e-mail address, and the columns to look in (all, if none is named)."""

    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all())
    subject = serializers.CharField(max_length=services.MAX_SUBJECT, write_only=True)
    columns = serializers.ListField(child=serializers.CharField(max_length=300), required=False, max_length=1000)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ConfirmSerializer(serializers.Serializer[Any]):
    confirm = serializers.ChoiceField(choices=["erase"], help_text="The word “erase”: nothing brings the rows back.")


class ErasureViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Find a person's key over all versions of a department's data, and erase it. Managers only."""

    model = Erasure
    queryset = Erasure.objects.none()
    serializer_class = ErasureSerializer
    ordering = ("-created_at", "pk")

    def get_queryset(self) -> QuerySet[Erasure]:
        return super().get_queryset().select_related("department", "created_by")

    @extend_schema(request=NewErasureSerializer, responses={202: ErasureSerializer})
    def create(self, request: Request) -> Response:
        """Look for a person's key. A job searches; the key is kept sealed, and only until it is erased."""
        asked = NewErasureSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        erasure = services.find_subject(actor=self.actor, **asked.validated_data)
        return Response(self.get_serializer(erasure).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Remove a search with its key and report. What was erased stays on record."""
        services.drop_search(actor=self.actor, erasure=self.object(Verb.MANAGE))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=ConfirmSerializer, responses={202: ErasureSerializer})
    @action(detail=True, methods=["post"])
    def erase(self, request: Request, id: str) -> Response:
        """Remove what was found, for good: rows, the original files that hold them, rejected lines, logged predictions."""
        erasure = self.object(Verb.MANAGE)
        ConfirmSerializer(data=request.data).is_valid(raise_exception=True)
        erasure = services.erase_subject(actor=self.actor, erasure=erasure)
        return Response(self.get_serializer(erasure).data, status=status.HTTP_202_ACCEPTED)
