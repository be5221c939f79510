"""The report of a model version, in one click and over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from departments.access import Verb
from serving.reporting.answers import KINDS, respond
from serving.versions import VersionView, actor_of, version_for


@login_required
@require_GET
def page(request: HttpRequest, model_id: UUID, number: int) -> HttpResponse:
    actor = actor_of(request)
    version, _decision = version_for(actor, model_id, number, Verb.DISCOVER)
    by = [name.replace("\x00", "")[:200] for name in request.GET.getlist("by") if name]
    return respond(actor=actor, version=version, kind=request.GET.get("as", "html"), by=by)


class Report(VersionView):
    """The report of a model version."""

    serializer_class = serializers.Serializer

    @extend_schema(
        operation_id="models_versions_report",
        parameters=[
            OpenApiParameter("as", OpenApiTypes.STR, enum=KINDS, description="html if left out."),
            OpenApiParameter("by", OpenApiTypes.STR, many=True, description="Columns of the fairness section."),
        ],
        responses={(200, "text/html"): OpenApiTypes.STR, (200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, model_id: Any, number: int) -> HttpResponse:
        """Data, recipe, checks, overrides, metrics with intervals, calibration, fairness, uncertainty, limits, lineage.

        It names no value of a row that the reader may not see.
        """
        version, _decision = self.version(Verb.DISCOVER)
        by = [name.replace("\x00", "")[:200] for name in request.query_params.getlist("by") if name]
        return respond(actor=self.actor, version=version, kind=request.query_params.get("as", "html"), by=by)
