"""Uncertainty over REST: what a version promises, by group on request, and what a deployment's answers really covered."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb
from departments.api.viewsets import ActorMixin
from rest.problems import Refused, invalid
from serving.models import Deployment
from serving.ownership import require_own
from serving.runtime.uncertainty.levels import HIGHEST, LOWEST
from serving.uncertainty.learned import USUAL
from serving.uncertainty.realised import realised
from serving.uncertainty.services import group_by
from serving.uncertainty.shown import told
from serving.versions import VersionView
from training.cards import sees_values
from training.models import ModelVersion


class CoverageSerializer(serializers.Serializer[Any]):
    """Of `rows` intervals or sets at a level, the share that held the truth with its 95 % interval; their mean size."""

    level = serializers.FloatField()
    rows = serializers.IntegerField()
    share = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    size = serializers.FloatField()


class GroupCoverageSerializer(CoverageSerializer):
    name = serializers.CharField()
    calibration = serializers.IntegerField()


class UncertaintySerializer(serializers.Serializer[Any]):
    """`calibration` is how many rows the quantiles are of, `needed` how many a level of 0.9 takes; `levels` is the
    coverage on test rows, `groups` the same at 0.9 in each group of the input `by`."""

    kind = serializers.ChoiceField(choices=["intervals", "sets"])
    by = serializers.CharField(allow_blank=True)
    calibration = serializers.IntegerField()
    needed = serializers.IntegerField()
    levels = CoverageSerializer(many=True)
    groups = GroupCoverageSerializer(many=True)


class GroupBySerializer(serializers.Serializer[Any]):
    by = serializers.CharField(
        max_length=200, allow_blank=True, help_text="An input whose groups get quantiles of their own; empty: none."
    )


class Uncertainty(VersionView):
    """What a version knows of its own errors."""

    serializer_class = UncertaintySerializer

    @extend_schema(operation_id="models_versions_uncertainty", responses=UncertaintySerializer)
    def get(self, request: Request, model_id: Any, number: int) -> Response:
        """Calibration rows, and the coverage of intervals or sets on rows that the model never saw, by level and group."""
        version, _decision = self.version(Verb.DISCOVER)
        return Response(self._told(version))

    @extend_schema(
        operation_id="models_versions_uncertainty_group", request=GroupBySerializer, responses=UncertaintySerializer
    )
    def post(self, request: Request, model_id: Any, number: int) -> Response:
        """Give each group of an input quantiles of its own, so that the level holds in every one of them (Mondrian).

        Needs the role engineer, and sight of the data's rows.
        """
        version, _decision = self.version(Verb.DEPLOY)
        asked = GroupBySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        group_by(actor=self.actor, version=version, by=asked.validated_data["by"])
        return Response(self._told(version))

    def _told(self, version: ModelVersion) -> dict[str, Any]:
        found = told(version)
        if found is None:
            detail = _("This version kept no scored rows, so nothing is known of its errors. Train it again.")
            raise Refused("no-scored-rows", detail)
        return {**asdict(found), "groups": found.groups if sees_values(self.actor, version) else []}


LEVEL = OpenApiParameter("level", OpenApiTypes.FLOAT, description="0.5 to 0.99; 0.9 if left out.")
DAYS = OpenApiParameter("days", OpenApiTypes.INT, description="Answers of the last so many days; all if left out.")


class RealisedCoverage(ActorMixin, GenericAPIView):
    """The coverage that really happened."""

    queryset = Deployment.objects.none()
    serializer_class = CoverageSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(operation_id="deployments_coverage", parameters=[LEVEL, DAYS], responses=CoverageSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Of the answers whose truth is known, the share whose interval or set held it. For the owning department."""
        visible = Deployment.objects.visible_to(self.actor).select_related("model_version")
        deployment: Deployment = get_object_or_404(visible, name=name)
        require_own(self.actor, deployment)
        level = _number(request, "level", USUAL, LOWEST, HIGHEST)
        days = _number(request, "days", 0, 0, 36_500)
        found = realised(deployment, level=level, since=timezone.now() - timedelta(days=days) if days else None)
        if found is None:
            detail = _("No truth is known yet of an answer that has an interval or a set. Send outcomes first.")
            raise Refused("no-outcomes", detail)
        return Response(asdict(found))


def _number(request: Request, name: str, usual: float, low: float, high: float) -> float:
    text = request.query_params.get(name)
    if text is None:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise invalid(name, _("expected a number from %(low)s to %(high)s") % {"low": f"{low:g}", "high": f"{high:g}"})
    return value
