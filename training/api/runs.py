"""Runs over REST: start, read, watch and steer."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.models import Dataset, DatasetVersion, Recipe
from datasets.recipe import Around
from datasets.tables import Described
from departments.access import Actor, Verb
from departments.api.viewsets import AtriumViewSet
from departments.models import Department
from rest.problems import invalid
from training import services
from training.api.serializers import (
    CloneRequestSerializer,
    CurvesSerializer,
    DataChecksSerializer,
    FamilySerializer,
    PlanSerializer,
    RunDetailSerializer,
    RunRequestSerializer,
    RunSerializer,
)
from training.configuration import check
from training.curves import sampled
from training.data_checks import check_data
from training.engine.family import FAMILIES
from training.models import RunState, TrainingRun

POINTS = (4, 10_000)


class RunFilter(django_filters.FilterSet):
    """The fixed list of what runs can be narrowed by."""

    department = django_filters.CharFilter(field_name="department__slug")
    dataset = django_filters.UUIDFilter(field_name="dataset_version__dataset_id")
    study = django_filters.UUIDFilter(field_name="trial__study_id")
    state = django_filters.ChoiceFilter(choices=RunState.choices, method="in_state")
    family = django_filters.CharFilter()
    target = django_filters.CharFilter()
    created_by = django_filters.CharFilter(field_name="created_by__username")

    class Meta:
        model = TrainingRun
        fields: list[str] = []

    def in_state(self, queryset: Any, _name: str, value: str) -> Any:
        return queryset.in_state(value)


def named_objects(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """The objects that a request names by id. What the actor may not see is 404, as if it were not there."""
    dataset = get_object_or_404(Dataset.objects.visible_to(actor).select_related("department"), pk=asked["dataset"])
    if asked.get("department"):
        department = get_object_or_404(Department, slug=asked["department"])
    else:
        department = services.department_for(actor, dataset)
    services.require_train(actor, dataset, department)
    recipe = asked.get("recipe") and get_object_or_404(Recipe.objects.visible_to(actor), pk=asked["recipe"])
    return {"department": department, "version": _version(dataset, asked.get("version")), "recipe": recipe or None}


def _version(dataset: Dataset, number: int | None) -> DatasetVersion:
    if number is None:
        return services.latest_ready(dataset)
    found: DatasetVersion | None = dataset.versions.filter(number=number).first()
    if found is None:
        raise invalid("version", f"there is no version {number} of this data set")
    return found


class RunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Training runs of the caller's departments."""

    model = TrainingRun
    queryset = TrainingRun.objects.none()
    serializer_class = RunSerializer
    filterset_class = RunFilter
    ordering_fields = ("created_at", "finished_at", "name")

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().with_what_lists_show()  # type: ignore[attr-defined,no-any-return]

    @extend_schema(responses=RunDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._detail(self.object(Verb.DISCOVER))

    @extend_schema(request=RunRequestSerializer, responses={202: RunDetailSerializer})
    def create(self, request: Request) -> Response:
        """Start a run."""
        asked = RunRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        run = services.start_run(
            actor=self.actor,
            **named_objects(self.actor, values),
            request=asked.request(),
            name=values.get("name", ""),
            model_name=values.get("model_name", ""),
        )
        return self._detail(run, status.HTTP_202_ACCEPTED)

    @extend_schema(request=RunRequestSerializer, responses={200: PlanSerializer})
    @action(detail=False, methods=["post"])
    def plan(self, request: Request) -> Response:
        """Say what a run would try and how long it would take, without starting it."""
        asked = RunRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        named = named_objects(self.actor, asked.validated_data)
        planned = check(self._table(named), named["recipe"], asked.request(), self._around(named))
        return Response(PlanSerializer(planned).data)

    def _around(self, named: dict[str, Any]) -> Around:
        recipe = named["recipe"]
        return services.around_for(self.actor, named["department"], recipe.steps if recipe else [])

    def _table(self, named: dict[str, Any]) -> Described:
        decision = services.require_train(self.actor, named["version"].dataset, named["department"])
        return services.table_for(self.actor, named["version"], decision)

    @extend_schema(request=RunRequestSerializer, responses={200: DataChecksSerializer})
    @action(detail=False, methods=["post"])
    def check(self, request: Request) -> Response:
        """Say what speaks against the data of a run, without starting it: leakage, equal rows on both sides of the
        split, identifiers, constants, rare classes, shift."""
        asked = RunRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        named = named_objects(self.actor, asked.validated_data)
        others = self._around(named)
        configuration = check(self._table(named), named.pop("recipe"), asked.request(), others)
        return Response(check_data(actor=self.actor, **named, configuration=configuration))

    @extend_schema(request=CloneRequestSerializer, responses={202: RunDetailSerializer})
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, id: Any) -> Response:
        """Start a run like this one with some fields changed."""
        run = self.object(Verb.TRAIN)
        changes = CloneRequestSerializer(data=request.data)
        changes.is_valid(raise_exception=True)
        made = services.clone_run(actor=self.actor, run=run, changes=dict(changes.validated_data))
        return self._detail(made, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: RunDetailSerializer})
    @action(detail=True, methods=["post"])
    def reproduce(self, request: Request, id: Any) -> Response:
        """Do this run again, unit by unit and step by step; its report then says equal, or what differs."""
        made = services.reproduce_run(actor=self.actor, run=self.object(Verb.TRAIN))
        return self._detail(made, status.HTTP_202_ACCEPTED)

    @extend_schema(
        parameters=[OpenApiParameter("points", OpenApiTypes.INT, description="Of each curve, at most. Default 500.")],
        responses=CurvesSerializer,
    )
    @action(detail=True)
    def metrics(self, request: Request, id: Any) -> Response:
        """The run's curves, down-sampled."""
        return Response({"series": sampled(self.object(Verb.DISCOVER), _points(request))})

    @extend_schema(request=None, responses={202: RunDetailSerializer})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, id: Any) -> Response:
        """Leave the run where it is and free its worker."""
        return self._signal("pause")

    @extend_schema(request=None, responses={202: RunDetailSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, id: Any) -> Response:
        """Go on exactly where the run was paused."""
        return self._signal("resume")

    @extend_schema(request=None, responses={202: RunDetailSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, id: Any) -> Response:
        """End the training now and keep the best model so far."""
        return self._signal("stop")

    @extend_schema(request=None, responses={202: RunDetailSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, id: Any) -> Response:
        """End the run and discard what it made."""
        return self._signal("cancel")

    def _signal(self, name: str) -> Response:
        run = services.signal_run(actor=self.actor, run=self.object(Verb.TRAIN), signal=name)
        return self._detail(run, status.HTTP_202_ACCEPTED)

    def _detail(self, run: TrainingRun, code: int = status.HTTP_200_OK) -> Response:
        return Response(RunDetailSerializer(run, context=self.get_serializer_context()).data, status=code)


def _points(request: Request) -> int:
    text = request.query_params.get("points", "500")
    low, high = POINTS
    if not (text.isascii() and text.isdigit() and low <= int(text[:9]) <= high):
        raise invalid("points", f"got {text[:20]!r}; expected a whole number from {low} to {high}")
    return int(text)


class FamilyViewSet(AtriumViewSet):
    """Model families as they declare themselves."""

    serializer_class = FamilySerializer
    queryset = TrainingRun.objects.none()

    @extend_schema(responses=FamilySerializer(many=True))
    def list(self, request: Request) -> Response:
        """Every family with its parameters; as many as there are, in one answer."""
        return Response(FamilySerializer(list(FAMILIES), many=True).data)
