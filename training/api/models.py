"""Registered models and their versions over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, QuerySet
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb, require
from departments.api.viewsets import AtriumViewSet
from training import effects
from training.api.effects import EffectsSerializer
from training.api.importing import ImportSerializer
from training.api.serializers import ModelSerializer, ModelVersionSerializer, OverrideSerializer
from training.cards import sees_values
from training.downloads import BUNDLE, download
from training.importing.services import import_onnx
from training.models import Effects, ModelVersion, RegisteredModel
from training.overrides import override, withdraw


class ModelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Registered models: own and granted."""

    model = RegisteredModel
    queryset = RegisteredModel.objects.none()
    serializer_class = ModelSerializer
    ordering_fields = ("created_at", "updated_at", "name")

    def get_queryset(self) -> QuerySet[Any]:
        visible: QuerySet[Any] = super().get_queryset().select_related("department", "created_by")
        found: QuerySet[Any] = visible.annotate(version_count=Count("versions"), latest_number=Max("versions__number"))
        return found

    def get_parsers(self) -> list[Any]:
        return [MultiPartParser()] if self.request and self.request.method == "POST" else super().get_parsers()

    @extend_schema(request={"multipart/form-data": ImportSerializer}, responses={201: ModelVersionSerializer})
    def create(self, request: Request) -> Response:
        """Register an ONNX file from elsewhere as the next version of the department's model of this name.

        The columns that it reads come from the graph (`inputs` name them). It is checked and run within limits first: 422
        `model_refused` says what cannot be served. With `samples` its answers are compared with the expected ones.
        """
        asked = ImportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        version = import_onnx(actor=self.actor, **asked.validated_data)
        context = {**self.get_serializer_context(), "sees_values": True}
        return Response(ModelVersionSerializer(version, context=context).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=ModelSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.object(Verb.DISCOVER)).data)


class ModelVersionViewSet(AtriumViewSet):
    """The versions of one model."""

    model = ModelVersion
    queryset = ModelVersion.objects.none()
    serializer_class = ModelVersionSerializer
    lookup_field = "number"
    lookup_value_converter = "int"
    ordering = ("-number", "-pk")
    ordering_fields = ("number", "created_at")

    def get_queryset(self) -> QuerySet[Any]:
        found = super().get_queryset().select_related("department", "created_by", "model")
        return found.filter(model_id=self.kwargs.get("model_id"))

    def list(self, request: Request, model_id: Any) -> Response:
        """The model's versions, newest first."""
        model = get_object_or_404(RegisteredModel.objects.visible_to(self.actor), pk=model_id)
        require(self.actor, Verb.DISCOVER, model)
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self._serializer(page, sees_values(self.actor, model), many=True).data)

    def retrieve(self, request: Request, model_id: Any, number: int) -> Response:
        """One version with its card and the columns that it asks for."""
        version = self.object(Verb.DISCOVER)
        return Response(self._serializer(version, sees_values(self.actor, version)).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("file", OpenApiTypes.STR, description="model.onnx, manifest.json, … or bundle.zip.")
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def download(self, request: Request, model_id: Any, number: int) -> FileResponse:
        """One file of the artifact, or all of it as bundle.zip."""
        version = self.object(Verb.EXPORT)
        return download(actor=self.actor, version=version, name=request.query_params.get("file", BUNDLE))

    @extend_schema(request=OverrideSerializer, responses=ModelVersionSerializer)
    @action(detail=True, methods=["post"])
    def overrides(self, request: Request, model_id: Any, number: int) -> Response:
        """Let an open finding pass, with the reason; withdraw: take that back. Needs the role engineer.

        A version over which an error-severity finding is open is not deployed (409 `open-findings`).
        """
        version = self.object(Verb.DEPLOY)
        asked = OverrideSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        if values.pop("withdraw"):
            values.pop("reason")
            withdraw(actor=self.actor, version=version, **values)
        else:
            override(actor=self.actor, version=version, **values)
        return Response(self._serializer(version, sees_values(self.actor, version)).data)

    @extend_schema(methods=["get"], responses=EffectsSerializer)
    @extend_schema(methods=["post"], request=None, responses={202: EffectsSerializer})
    @action(detail=True, methods=["get", "post"])
    def effects(self, request: Request, model_id: Any, number: int) -> Response:
        """Permutation importance with intervals, and the answer along each column. POST has a job work them out.

        For whoever may preview the model's data: the curves run along values of rows.
        """
        version = self.object(Verb.PREVIEW)
        if request.method == "POST":
            made = effects.start(actor=self.actor, version=version)
            return Response(EffectsSerializer(made).data, status=status.HTTP_202_ACCEPTED)
        return Response(EffectsSerializer(effects.effects_of(version) or Effects(version=version)).data)

    def _serializer(self, found: Any, values: bool, *, many: bool = False) -> ModelVersionSerializer:
        return ModelVersionSerializer(
            found, many=many, context={**self.get_serializer_context(), "sees_values": values}
        )
