"""Fairness over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb
from serving.fairness.asked import read
from serving.fairness.services import fairness_of
from serving.versions import VersionView


class RateSerializer(serializers.Serializer[Any]):
    """`hits` of `of`, the share and its 95 % interval."""

    hits = serializers.IntegerField()
    of = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    low = serializers.FloatField()
    high = serializers.FloatField()


class RatioSerializer(serializers.Serializer[Any]):
    """Of the highest group's selection rate; `below` the four-fifths line, `surely_below` with the whole interval."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    below = serializers.BooleanField(source="is_below")
    surely_below = serializers.BooleanField(source="is_surely_below")


class DecidedSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    rows = serializers.IntegerField()
    small = serializers.BooleanField(source="is_small")
    selected = RateSerializer()
    true_positive = RateSerializer()
    false_positive = RateSerializer()
    precision = RateSerializer()
    predicted = serializers.FloatField(help_text="The mean probability that was told.")
    observed = RateSerializer()
    ratio = RatioSerializer(allow_null=True)


class FigureSerializer(serializers.Serializer[Any]):
    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class MeasuredSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    rows = serializers.IntegerField()
    small = serializers.BooleanField(source="is_small")
    bias = FigureSerializer()
    error = FigureSerializer()


class FairnessSerializer(serializers.Serializer[Any]):
    """Groups of a classification stand under `decided`, of a regression under `measured`."""

    by = serializers.CharField()
    part = serializers.CharField()
    rows = serializers.IntegerField()
    positive = serializers.JSONField(allow_null=True)
    threshold = serializers.FloatField(allow_null=True)
    decided = DecidedSerializer(many=True)
    measured = MeasuredSerializer(many=True)
    covered = serializers.DictField(child=serializers.ListField(child=serializers.FloatField()))


class FairnessView(VersionView):
    """What a model does to each group."""

    serializer_class = FairnessSerializer

    @extend_schema(
        operation_id="models_versions_fairness",
        parameters=[
            OpenApiParameter("by", OpenApiTypes.STR, required=True, description="A column of the data."),
            OpenApiParameter("threshold", OpenApiTypes.FLOAT, description="Left out: the likeliest class decides."),
            OpenApiParameter(
                "positive", OpenApiTypes.STR, description="The class that is selected; the last if left out."
            ),
        ],
        responses=FairnessSerializer,
    )
    def get(self, request: Request, model_id: Any, number: int) -> Response:
        """Selection, error rates and calibration by the groups of any column, on rows that the model never saw.

        Needs sight of the data's rows. Numbers fall into bands of equal size.
        """
        version, _decision = self.version(Verb.DISCOVER)
        found = fairness_of(actor=self.actor, version=version, **read(request.query_params))
        return Response(FairnessSerializer(found).data)
