"""Deployments over REST, and the endpoint that answers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken
from audit.services import record
from departments.access import Actor, Verb, require
from departments.api.viewsets import AtriumViewSet
from departments.quotas.services import require_quickly
from serving import asking, limits, predicting, services, snapshots
from serving.api.filters import DeploymentFilter
from serving.api.lean import LeanView, json_body
from serving.api.serializers import (
    DeploymentChangeSerializer,
    DeploymentDetailSerializer,
    DeploymentSerializer,
    DeploySerializer,
    PredictionSerializer,
    PredictRequestSerializer,
    PredictResponseSerializer,
)
from serving.describing.openapi import document
from serving.models import Deployment, DeploymentState, Prediction
from serving.ownership import require_own
from serving.rollouts.serializers import ReasonSerializer
from serving.rollouts.services import go_back
from serving.rollouts.shares import Part, set_traffic
from serving.rollouts.sign_offs import set_rule
from training.models import ModelVersion

HEAVY = ("model_version__manifest", "model_version__card")


class DeploymentViewSet(mixins.ListModelMixin, AtriumViewSet):
    """Names that answer predictions."""

    model = Deployment
    queryset = Deployment.objects.none()
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter
    lookup_field = "name"
    lookup_value_converter = "slug"
    ordering_fields = ("created_at", "name")

    def get_queryset(self) -> QuerySet[Deployment]:
        found = super().get_queryset().select_related("department", "model_version__model", "created_by")
        return found.defer(*HEAVY) if self.action == "list" else found

    def _shown(self, deployment: Deployment) -> dict[str, Any]:
        context = {**self.get_serializer_context(), "actor": self.actor}
        return dict(DeploymentDetailSerializer(deployment, context=context).data)

    def _version(self, id: Any) -> ModelVersion:
        version = ModelVersion.objects.visible_to(self.actor).select_related("model").filter(pk=id).first()
        if version is None:
            raise Http404
        return version  # type: ignore[no-any-return]

    @extend_schema(request=DeploySerializer, responses={201: DeploymentDetailSerializer})
    def create(self, request: Request) -> Response:
        """Let a name answer with a model version. Needs the role engineer in the model's department."""
        asked = DeploySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        deployment = services.deploy(
            actor=self.actor,
            name=values["name"],
            department=values.get("department"),
            model_version=self._version(values["model_version"]),
            created_by_id=self.actor.person_id,
            override_reason=values.get("override_reason", ""),
        )
        return Response(self._shown(deployment), status=status.HTTP_201_CREATED)

    @extend_schema(responses=DeploymentDetailSerializer)
    def retrieve(self, request: Request, name: str) -> Response:
        """The deployment with the model's own schema, an example request and the URL that answers it."""
        return Response(self._shown(self.object(Verb.DISCOVER)))

    @extend_schema(request=DeploymentChangeSerializer, responses=DeploymentDetailSerializer)
    def partial_update(self, request: Request, name: str) -> Response:
        """Point the name at another version of the same target, share its traffic out, pause it, or resume it."""
        deployment = self.object(Verb.DEPLOY)
        self.check_if_match(request, self._shown(deployment))
        asked = DeploymentChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        self._change(deployment, asked.validated_data)
        return Response(self._shown(self.get_queryset().get(pk=deployment.pk)))

    def _change(self, deployment: Deployment, values: dict[str, Any]) -> None:
        who: dict[str, Any] = {"actor": self.actor, "deployment": deployment}
        reason = values.get("override_reason", "")
        if "sign_off" in values:
            always = {"always": True, "never": False}.get(values["sign_off"])
            set_rule(**who, department=deployment.department, always=always)
        if "model_version" in values:
            services.repoint(**who, model_version=self._version(values["model_version"]), override_reason=reason)
        if "traffic" in values:
            parts = [Part(self._version(each["version"]), each["share"], each["mode"]) for each in values["traffic"]]
            set_traffic(**who, parts=parts, override_reason=reason)
        if "state" in values:
            (services.resume if values["state"] == DeploymentState.ACTIVE else services.pause)(**who)

    @extend_schema(request=ReasonSerializer, responses=DeploymentDetailSerializer)
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, name: str) -> Response:
        """Go back: out of the rollout that is on its way, or to the version that answered before."""
        deployment = self.object(Verb.DEPLOY)
        self.check_if_match(request, self._shown(deployment))
        asked = ReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        go_back(actor=self.actor, deployment=deployment, said=asked.validated_data.get("reason", ""))
        return Response(self._shown(self.get_queryset().get(pk=deployment.pk)))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, name: str) -> Response:
        """Take the name away, with its log of predictions. Needs the role manager."""
        deployment = self.object(Verb.MANAGE)
        self.check_if_match(request, self._shown(deployment))
        services.delete(actor=self.actor, deployment=deployment)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    def openapi(self, request: Request, name: str) -> Response:
        """The deployment's own OpenAPI document: its columns as a schema, with an example that is answered."""
        shown = self._shown(self.object(Verb.DISCOVER))
        example = shown["example"]["instances"][0] if shown["example"] else None
        return Response(
            document(
                name=name, url=shown["predict_url"], task=shown["task"], target=shown["target"],
                version=str(shown["version"]), columns=shown["inputs"], classes=shown["classes"], example=example,
            )
        )  # fmt: skip

    @extend_schema(responses=PredictionSerializer(many=True), filters=False)
    @action(detail=True, filterset_class=None, ordering_fields=("created_at",))
    def predictions(self, request: Request, name: str) -> Response:
        """What was asked and answered, newest first; a second or two behind. For the owning department only."""
        deployment = self.object(Verb.DISCOVER)
        require_own(self.actor, deployment)
        page = self.paginate_queryset(Prediction.objects.filter(deployment=deployment))
        record(
            "deployment.read_predictions", deployment, rule=self.decision.rule, details={"requests": len(page or ())}
        )
        return self.get_paginated_response(PredictionSerializer(page, many=True).data)


class Predict(LeanView):
    """The endpoint that answers."""

    @extend_schema(
        operation_id="deployments_predict",
        request=PredictRequestSerializer,
        responses={200: PredictResponseSerializer},
    )
    def post(self, request: HttpRequest, actor: Actor, token: ApiToken | None, name: str) -> HttpResponse:
        """Answer 1 to 10,000 instances. Values are checked against the model's own schema (422 with the field path).

        Needs a token with the scope predict or write, and the verb predict by role or grant.
        """
        deployment = deployment_of(name)
        decision = require(actor, Verb.PREDICT, deployment)
        self.admitted = deployment.name
        limits.require(str(actor.person_id))
        body = json_body(request)
        snapshot = snapshots.opened(deployment)
        asked = asking.read(body)
        require_quickly(snapshot.department, "predictions", len(asked.instances))
        caller = predicting.Caller(
            person=str(actor.person_id),
            username=actor.username,
            token=str(token.pk) if token else None,
            address=request.META.get("REMOTE_ADDR", "")[:45],
            rule=decision.rule,
        )
        question = predicting.Question(snapshot, caller, asked, body, str(uuid4()), self.arrived)
        return HttpResponse(predicting.answer(question).body(), content_type="application/json")


def deployment_of(name: str) -> Deployment:
    """The deployment as `snapshots` builds from it.

    Not narrowed to what the caller may see, which costs a millisecond: `require` hides it all the same.
    """
    try:
        return snapshots.rows().get(name=name)
    except Deployment.DoesNotExist:
        raise Http404 from None
