"""Starting points over REST."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from departments.api.viewsets import AtriumViewSet
from training import services, starting
from training.api.runs import named_objects
from training.api.serializers import RunDetailSerializer, StrictSerializer
from training.models import TrainingRun
from training.starting_points import STARTING_POINTS


class StartingColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    types = serializers.ListField(child=serializers.CharField())
    help = serializers.CharField()
    known_as = serializers.ListField(child=serializers.CharField())
    optional = serializers.BooleanField()


class CostsSerializer(serializers.Serializer[Any]):
    """What each mistake costs, and the probability above which acting costs less than waiting."""

    event = serializers.CharField()
    missed = serializers.FloatField()
    false_alarm = serializers.FloatField()
    unit = serializers.CharField()
    threshold = serializers.FloatField()


class StartingPointSerializer(serializers.Serializer[Any]):
    """A use that a department may begin with."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    field = serializers.CharField()
    help = serializers.CharField()
    question = serializers.CharField()
    columns = StartingColumnSerializer(many=True)
    target = StartingColumnSerializer()
    training = serializers.JSONField()
    is_simulated = serializers.BooleanField()
    costs = CostsSerializer(allow_null=True)


class StartRequestSerializer(StrictSerializer):
    """`mapping` gives the table's column for each of the use's; what is left out is matched by name."""

    dataset = serializers.UUIDField()
    version = serializers.IntegerField(required=False, min_value=1, allow_null=True)
    department = serializers.SlugField(required=False)
    mapping = serializers.DictField(child=serializers.CharField(allow_blank=True, max_length=200), required=False)
    name = serializers.CharField(max_length=160, required=False)


class StartingPointViewSet(AtriumViewSet):
    """Uses that a department may begin with."""

    serializer_class = StartingPointSerializer
    queryset = TrainingRun.objects.none()
    lookup_field = "name"
    lookup_value_converter = "slug"

    @extend_schema(responses=StartingPointSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Every use; as many as there are, in one answer."""
        return Response(StartingPointSerializer(list(STARTING_POINTS), many=True).data)

    @extend_schema(request=StartRequestSerializer, responses={202: RunDetailSerializer})
    @action(detail=True, methods=["post"])
    def start(self, request: Request, name: str) -> Response:
        """Map the columns, write the recipe, start the run. Columns that are not mapped are matched by their names."""
        if name not in STARTING_POINTS:
            raise Http404
        asked = StartRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values, point = asked.validated_data, STARTING_POINTS[name]
        named = named_objects(self.actor, values)
        where = {"department": named["department"], "version": named["version"]}
        decision = services.require_train(self.actor, where["version"].dataset, where["department"])
        proposed = starting.proposed(point, services.table_for(self.actor, where["version"], decision))
        given = values.get("mapping", {})
        mapping = {**{name: column for name, column in proposed.items() if column not in given.values()}, **given}
        run = starting.begin(actor=self.actor, **where, point=point, mapping=mapping, name=values.get("name", ""))
        content = RunDetailSerializer(run, context=self.get_serializer_context()).data
        return Response(content, status=status.HTTP_202_ACCEPTED)
