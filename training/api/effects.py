"""How a model uses its columns, as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from training.effects import content_of
from training.models import Effects


class ImportanceSerializer(serializers.Serializer[Any]):
    """How much the metric rises when the column's values are dealt out anew; [low, high] is a 95 % interval."""

    column = serializers.CharField()
    importance = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class EffectCurveSerializer(serializers.Serializer[Any]):
    """The mean answer at each value of `grid`, a line a class where there are more than two, and single rows' answers."""

    column = serializers.CharField()
    ordered = serializers.BooleanField()
    grid = serializers.ListField(child=serializers.JSONField())
    means = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    singles = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))


class EffectFiguresSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField()
    metric = serializers.CharField()
    baseline = serializers.FloatField()
    importance = ImportanceSerializer(many=True)
    curves = EffectCurveSerializer(many=True)


class EffectsSerializer(serializers.ModelSerializer[Effects]):
    """`job` is null where nobody asked yet, `figures` until the job has ended."""

    job = serializers.UUIDField(source="job_id", allow_null=True, read_only=True)
    state = serializers.CharField(source="job.state", default=None, read_only=True)
    figures = serializers.SerializerMethodField()

    class Meta:
        model = Effects
        fields = ("job", "state", "figures")

    @extend_schema_field(EffectFiguresSerializer(allow_null=True))
    def get_figures(self, found: Effects) -> dict[str, Any] | None:
        return content_of(found)
