"""Recipes over REST: declared steps, their preview, and the catalogue of steps."""

from __future__ import annotations

from typing import Any, get_args

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.models import Dataset, Recipe
from datasets.preparation import services
from datasets.preparation.outcome import prepare_dataset
from datasets.recipe import STEPS, Step
from departments.access import Verb
from departments.api.viewsets import ActorMixin, AtriumViewSet
from departments.models import Department
from plugins.params import Kind

READING = frozenset({"read", "write"})


class StepSerializer(serializers.Serializer[Any]):
    """One use of a step. No columns means every column that the step suits; `GET steps/` declares the parameters."""

    step = serializers.ChoiceField(choices=STEPS.names())
    columns = serializers.ListField(child=serializers.CharField(), required=False)
    params = serializers.DictField(required=False)
    enabled = serializers.BooleanField(required=False)


class RecipeSerializer(serializers.ModelSerializer[Recipe]):
    """A recipe of one department on one data set."""

    dataset = serializers.UUIDField(source="dataset_id", read_only=True)
    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    steps = StepSerializer(many=True, read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:recipe-detail", lookup_field="id")

    class Meta:
        model = Recipe
        fields = (
            "id",
            "name",
            "dataset",
            "department",
            "version",
            "target",
            "steps",
            "created_at",
            "updated_at",
            "created_by",
            "url",
        )
        read_only_fields = fields

    def to_representation(self, instance: Recipe) -> dict[str, Any]:
        # The steps leave as they are kept: the service has read them, and a draft may name anything.
        return {**super().to_representation(instance), "steps": instance.steps}


class _Steps(serializers.JSONField):
    """Any JSON; the service names what is wrong in it by its path."""


class NewRecipeSerializer(serializers.Serializer[Any]):
    """`steps` is a list of {step, columns, params, enabled}."""

    dataset = serializers.UUIDField()
    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all(), required=False)
    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    steps = _Steps()


class ChangeRecipeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120, required=False)
    steps = _Steps(required=False)
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    target = serializers.CharField(max_length=255, required=False, allow_blank=True)


class PreviewOptionsSerializer(serializers.Serializer[Any]):
    """`focus` is the place of the step around which rows are shown; without it, the whole recipe's."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    focus = serializers.IntegerField(min_value=0, max_value=99, required=False)
    target = serializers.CharField(max_length=255, required=False, help_text="The column to predict.")


class PrepareSerializer(serializers.Serializer[Any]):
    """`name` makes a new data set; `into` adds a version to one of the department's."""

    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    into = serializers.UUIDField(required=False)
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)


class PreparedSerializer(serializers.Serializer[Any]):
    """The version that a job is making, and the job."""

    dataset = serializers.UUIDField(source="dataset_id")
    number = serializers.IntegerField()
    job = serializers.UUIDField(source="job_id")


class PreviewRequestSerializer(PreviewOptionsSerializer):
    dataset = serializers.UUIDField()
    steps = _Steps()


class RecipeFilter(django_filters.FilterSet):
    """`?dataset=…&department=credit-risk`."""

    department = django_filters.CharFilter(field_name="department__slug")

    class Meta:
        model = Recipe
        fields: dict[str, Any] = {"dataset": ["exact"], "name": ["exact"]}


class RecipeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """The recipes of the caller's departments."""

    model = Recipe
    queryset = Recipe.objects.none()
    serializer_class = RecipeSerializer
    filterset_class = RecipeFilter
    ordering_fields = ("created_at", "updated_at", "name")

    def get_queryset(self) -> QuerySet[Recipe]:
        return super().get_queryset().select_related("dataset", "department", "created_by")

    def _dataset(self, id: Any) -> Dataset:
        found: Dataset = get_object_or_404(Dataset.objects.visible_to(self.actor), pk=id)
        return found

    @extend_schema(request=NewRecipeSerializer, responses={201: RecipeSerializer})
    def create(self, request: Request) -> Response:
        """Make a recipe. It belongs to `department`; by default to the data set's, or to the one it was granted to."""
        asked = NewRecipeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        recipe = services.create_recipe(actor=self.actor, **{**given, "dataset": self._dataset(given["dataset"])})
        return Response(self.get_serializer(recipe).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangeRecipeSerializer, responses=RecipeSerializer)
    def partial_update(self, request: Request, id: str) -> Response:
        """Rename a recipe, or replace its steps. Runs that were made with it keep theirs. Honours If-Match."""
        recipe = self.object(Verb.EDIT)
        self.check_if_match(request, self.get_serializer(recipe).data)
        asked = ChangeRecipeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        changed = services.update_recipe(actor=self.actor, recipe=recipe, **asked.validated_data)
        return Response(self.get_serializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Delete a recipe. Honours If-Match."""
        recipe = self.object(Verb.EDIT)
        self.check_if_match(request, self.get_serializer(recipe).data)
        services.delete_recipe(actor=self.actor, recipe=recipe)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=PreviewOptionsSerializer, responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, id: str) -> Response:
        """What each step does to the whole table, and the first rows before and after."""
        recipe = self.object(Verb.DISCOVER)
        asked = PreviewOptionsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        own = {"target": recipe.target or None}
        given = {**own, **asked.validated_data, "dataset": recipe.dataset, "steps": recipe.steps}
        return Response(services.preview_steps(actor=self.actor, department=recipe.department, **given))

    @extend_schema(request=PrepareSerializer, responses={202: PreparedSerializer})
    @action(detail=True, methods=["post"])
    def prepare(self, request: Request, id: str) -> Response:
        """Write the recipe's outcome into a new data set, or into the next version of one, by a job."""
        recipe = self.object(Verb.EDIT)
        asked = PrepareSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        into = self._dataset(given["into"]) if "into" in given else None
        made = prepare_dataset(actor=self.actor, recipe=recipe, **{**given, "into": into})
        return Response(PreparedSerializer(made).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(operation_id="recipes_try", request=PreviewRequestSerializer, responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["post"], url_path="preview", url_name="try")
    def try_steps(self, request: Request) -> Response:
        """Preview steps without keeping them."""
        asked = PreviewRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = {**asked.validated_data, "dataset": self._dataset(asked.validated_data["dataset"])}
        return Response(services.preview_steps(actor=self.actor, **given))


class DeclaredParamSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(get_args(Kind)))
    default = serializers.JSONField(allow_null=True)
    help = serializers.CharField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    choices = serializers.ListField(child=serializers.CharField())
    types = serializers.ListField(child=serializers.CharField(), help_text="The column types that may be named.")
    optional = serializers.BooleanField()


class DeclaredStepSerializer(serializers.Serializer[Any]):
    """A step that recipes may use, with the column types that it takes and its parameters."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    group = serializers.CharField()
    applies_to = serializers.ListField(child=serializers.CharField())
    names_columns = serializers.BooleanField(help_text="Whether the columns must be named.")
    takes_columns = serializers.BooleanField(help_text="False where the parameters alone name the columns.")
    params = DeclaredParamSerializer(many=True)


class DeclaredStepsSerializer(serializers.Serializer[Any]):
    results = DeclaredStepSerializer(many=True)


class DeclaredSteps(ActorMixin, APIView):
    """The steps that this installation has."""

    method_scopes = {"GET": READING}

    @extend_schema(responses=DeclaredStepsSerializer)
    def get(self, request: Request) -> Response:
        """Every step's declaration."""
        steps: list[Step] = list(STEPS)
        return Response(DeclaredStepsSerializer({"results": steps}).data)
