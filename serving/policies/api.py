"""Decision policies over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb, require
from departments.api.viewsets import ActorMixin
from rest.idempotency import IdempotentMixin
from serving.api.serializers import DeploymentDetailSerializer
from serving.models import Deployment
from serving.ownership import require_own
from serving.policies.evaluation import evaluate
from serving.policies.models import DecisionPolicy
from serving.policies.services import MAX_REASON, save_policy, use_policy
from serving.policies.settings import checked
from training.models import ModelVersion, RegisteredModel


class PolicySerializer(serializers.ModelSerializer[DecisionPolicy]):
    """One policy. `settings` is what was chosen; `figures` is what it did to the held-out rows when it was saved:
    `counts[truth][decision]` in the order of the classes, money as exact decimal text."""

    model = serializers.UUIDField(source="model_id", read_only=True)
    model_version = serializers.UUIDField(source="model_version_id", read_only=True)
    version = serializers.IntegerField(source="model_version.number", read_only=True)
    calibration = serializers.DictField(source="document.calibration", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    used_by = serializers.SlugRelatedField[Any](source="deployments", slug_field="name", many=True, read_only=True)

    class Meta:
        model = DecisionPolicy
        fields = (
            "id", "number", "model", "model_version", "version", "settings", "calibration", "figures", "reason", "created_at",
            "created_by", "used_by",
        )  # fmt: skip
        read_only_fields = fields


class PolicyRequestSerializer(serializers.Serializer[Any]):
    """A new policy. `version` is the model version's number, the newest if left out."""

    version = serializers.IntegerField(min_value=1, required=False)
    settings = serializers.DictField()
    reason = serializers.CharField(max_length=MAX_REASON)


class PolicyPreviewRequestSerializer(serializers.Serializer[Any]):
    """A draft. `against` is the number of the policy that it is compared with; without, the model alone."""

    settings = serializers.DictField()
    against = serializers.IntegerField(min_value=1, required=False)


class PreviewSerializer(serializers.Serializer[Any]):
    """The settings with everything chosen, and what they would have done to the held-out rows; nothing is kept."""

    settings = serializers.DictField()
    calibration = serializers.DictField()
    figures = serializers.DictField()


class UsePolicySerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(min_value=1, allow_null=True)


class _Policies(IdempotentMixin, ActorMixin, GenericAPIView):
    """Policies are seen by members of the department that owns the model."""

    queryset = DecisionPolicy.objects.none()
    serializer_class = PolicySerializer
    filter_backends = ()
    ordering = ("-number",)
    ordering_fields = ("number", "created_at")

    def _model(self, id: UUID) -> RegisteredModel:
        model: RegisteredModel = get_object_or_404(RegisteredModel.objects.visible_to(self.actor), pk=id)
        require_own(self.actor, model)
        return model

    def _of(self, model: RegisteredModel) -> QuerySet[DecisionPolicy]:
        found: QuerySet[DecisionPolicy] = model.policies.select_related("model_version", "created_by")
        return found.defer("model_version__manifest", "model_version__card").prefetch_related("deployments")

    def _version(self, model: RegisteredModel, number: int | None) -> ModelVersion:
        versions = model.versions.select_related("model", "run__dataset_version__dataset")
        found: ModelVersion | None = versions.filter(number=number).first() if number else versions.first()
        if found is None:
            raise Http404
        return found


class PolicyList(_Policies):
    """The policies of a model."""

    @extend_schema(operation_id="models_policies_list", responses=PolicySerializer(many=True), filters=False)
    def get(self, request: Request, id: UUID) -> Response:
        """The model's policies, newest first."""
        page = self.paginate_queryset(self._of(self._model(id)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="models_policies_create", request=PolicyRequestSerializer, responses={201: PolicySerializer}
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Fit, judge and keep a policy. It decides nothing until a deployment uses it. Needs the role engineer."""
        model = self._model(id)
        require(self.actor, Verb.DEPLOY, model)
        asked = PolicyRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        version = self._version(model, values.get("version"))
        policy = save_policy(actor=self.actor, version=version, settings=values["settings"], reason=values["reason"])
        return Response(self.get_serializer(policy).data, status=status.HTTP_201_CREATED)


class PolicyDetail(_Policies):
    """One policy."""

    @extend_schema(operation_id="models_policies_retrieve", responses=PolicySerializer)
    def get(self, request: Request, id: UUID, number: int) -> Response:
        """A policy by its number."""
        policy = get_object_or_404(self._of(self._model(id)), number=number)
        return Response(self.get_serializer(policy).data)


class PolicyPreview(_Policies):
    """A draft, judged and not kept."""

    @extend_schema(
        operation_id="models_policy_preview", request=PolicyPreviewRequestSerializer, responses={200: PreviewSerializer}
    )
    def post(self, request: Request, id: UUID, number: int) -> Response:
        """Fit and judge settings on the version's held-out rows, without keeping anything. Needs the role engineer."""
        model = self._model(id)
        require(self.actor, Verb.DEPLOY, model)
        asked = PolicyPreviewRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        version = self._version(model, number)
        against = get_object_or_404(model.policies, number=values["against"]) if "against" in values else None
        found = evaluate(
            actor=self.actor, version=version, settings=checked(version, values["settings"]), in_use=against
        )
        told = {"settings": found.settings, "calibration": dict(found.calibration), "figures": found.figures}
        return Response(told)


class UsePolicy(_Policies):
    """Which policy a deployment decides by."""

    @extend_schema(
        operation_id="deployments_policy", request=UsePolicySerializer, responses={200: DeploymentDetailSerializer}
    )
    def post(self, request: Request, name: str) -> Response:
        """Decide by the policy of this number from now on; null: answer without one. Answers hold it within a second."""
        found = Deployment.objects.visible_to(self.actor).select_related("department", "model_version__model")
        deployment = get_object_or_404(found, name=name)
        require(self.actor, Verb.DEPLOY, deployment)
        asked = UsePolicySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        number = asked.validated_data["number"]
        policies = deployment.model_version.model.policies
        policy = None if number is None else get_object_or_404(policies, number=number)
        use_policy(actor=self.actor, deployment=deployment, policy=policy)
        deployment.refresh_from_db()
        context = {**self.get_serializer_context(), "actor": self.actor}
        return Response(DeploymentDetailSerializer(deployment, context=context).data)
