"""Rollouts and sign-offs over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from departments.access import Verb, require, require_in
from departments.api.viewsets import ActorMixin, AtriumViewSet
from departments.models import Department
from serving.models import Deployment
from serving.ownership import require_own
from serving.rollouts import services, sign_offs
from serving.rollouts.figures import figures_of
from serving.rollouts.models import Rollout, SignOff, Switch
from serving.rollouts.serializers import (
    AdvanceSerializer,
    ReasonSerializer,
    RolloutFiguresSerializer,
    RolloutSerializer,
    SignOffAnswerSerializer,
    SignOffRuleSerializer,
    SignOffSerializer,
    StartSerializer,
    SwitchSerializer,
)
from training.models import ModelVersion


class OfDeployment(AtriumViewSet):
    """For what belongs to one deployment: its rollouts, and who pointed it where. For the owning department alone."""

    def deployment(self, verb: Verb = Verb.DISCOVER) -> Deployment:
        visible = Deployment.objects.visible_to(self.actor).select_related("department", "model_version__model")
        found: Deployment = get_object_or_404(visible, name=self.kwargs["name"])
        self.decision = require(self.actor, verb, found)
        require_own(self.actor, found)
        return found

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return self.model.objects.none()  # type: ignore[no-any-return]
        found: QuerySet[Any] = self.model.objects.filter(deployment=self.deployment())
        return found


class RolloutViewSet(OfDeployment):
    """Challengers on their way to become what a name answers with."""

    model = Rollout
    queryset = Rollout.objects.none()
    serializer_class = RolloutSerializer

    def get_queryset(self) -> QuerySet[Any]:
        related = ("deployment__department", "champion", "challenger__run", "created_by", "ended_by")
        return super().get_queryset().select_related(*related)

    def list(self, request: Request, name: str) -> Response:
        """The rollouts of this name, newest first; at most one of them is active."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(RolloutSerializer(page, many=True).data)

    @extend_schema(request=StartSerializer, responses={201: RolloutSerializer})
    def create(self, request: Request, name: str) -> Response:
        """Begin to bring another version in. Needs the role engineer. 409: `rollout-active`, `open-findings`, `sign-off`."""
        deployment = self.deployment(Verb.DEPLOY)
        asked = StartSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        versions = ModelVersion.objects.visible_to(self.actor).select_related("model", "run")
        made = services.start(
            actor=self.actor,
            deployment=deployment,
            challenger=get_object_or_404(versions, pk=asked.validated_data["model_version"]),
            steps=asked.plan,
            alarms=asked.validated_data.get("alarms"),
            override_reason=asked.validated_data.get("override_reason", ""),
        )
        return Response(RolloutSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=RolloutSerializer)
    def retrieve(self, request: Request, name: str, id: Any) -> Response:
        return Response(RolloutSerializer(self.get_object()).data)

    @extend_schema(responses=RolloutFiguresSerializer)
    @action(detail=True)
    def figures(self, request: Request, name: str, id: Any) -> Response:
        """Calls, failures, latencies and agreement of champion and challenger so far; a second or two behind."""
        rollout: Rollout = self.get_object()
        return Response(RolloutFiguresSerializer(figures_of(rollout.tallies.all())).data)

    @extend_schema(request=AdvanceSerializer, responses=RolloutSerializer)
    @action(detail=True, methods=["post"])
    def advance(self, request: Request, name: str, id: Any) -> Response:
        """Take the next step now; after the last one the challenger is promoted."""
        asked = AdvanceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        rollout, seen = self._rollout(request), asked.validated_data.get("step")
        return self._told(services.advance(actor=self.actor, rollout=rollout, from_step=seen))

    @extend_schema(request=None, responses=RolloutSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, name: str, id: Any) -> Response:
        """Stay at this step. The share stays, and the alarms are watched."""
        return self._told(services.hold(actor=self.actor, rollout=self._rollout(request)))

    @extend_schema(request=None, responses=RolloutSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, name: str, id: Any) -> Response:
        """Let the clock take steps again."""
        return self._told(services.resume(actor=self.actor, rollout=self._rollout(request)))

    @extend_schema(request=ReasonSerializer, responses=RolloutSerializer)
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, name: str, id: Any) -> Response:
        """Take the challenger away: the champion answers everything."""
        asked = ReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data.get("reason", "")
        rollout = self._rollout(request)
        return self._told(
            services.roll_back(actor=self.actor, rollout=rollout, reason={"said": said} if said else None)
        )

    def _rollout(self, request: Request) -> Rollout:
        """The rollout of this URL, if the actor may change it and saw it as it is."""
        self.deployment(Verb.DEPLOY)
        rollout: Rollout = self.get_object()
        self.check_if_match(request, RolloutSerializer(rollout).data)
        return rollout

    def _told(self, rollout: Rollout) -> Response:
        """As it is now, read anew: what the service locked holds no related names."""
        return Response(RolloutSerializer(self.get_queryset().get(pk=rollout.pk)).data)


class SwitchViewSet(OfDeployment):
    """Who pointed the name at which version, and when."""

    model = Switch
    queryset = Switch.objects.none()
    serializer_class = SwitchSerializer
    ordering = ("-at", "-pk")
    ordering_fields = ("at",)

    def list(self, request: Request, name: str) -> Response:
        """The history of what answered, newest first."""
        page = self.paginate_queryset(self.get_queryset().select_related("by"))
        return self.get_paginated_response(SwitchSerializer(page, many=True).data)


class SignOffViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Requests to let a model answer callers that learned from a department's data: asked of yours, and asked by yours."""

    model = SignOff
    queryset = SignOff.objects.none()
    serializer_class = SignOffSerializer

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().with_names()  # type: ignore[attr-defined,no-any-return]

    @extend_schema(request=SignOffAnswerSerializer, responses=SignOffSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, id: Any) -> Response:
        """Let the version answer callers. Needs the role manager in the owning department."""
        return self._answer(request, sign_offs.approve)

    @extend_schema(request=SignOffAnswerSerializer, responses=SignOffSerializer)
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, id: Any) -> Response:
        """Say that it may not answer callers, and why."""
        return self._answer(request, sign_offs.refuse)

    def _answer(self, request: Request, service: Any) -> Response:
        found: SignOff = self.get_object()
        self.check_if_match(request, SignOffSerializer(found).data)
        asked = SignOffAnswerSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        service(actor=self.actor, sign_off=found, reason=asked.validated_data["reason"])
        return Response(SignOffSerializer(self.get_queryset().get(pk=found.pk)).data)


class SignOffRuleView(ActorMixin):
    """Whether models of a department's own data need a sign-off."""

    @extend_schema(responses=SignOffRuleSerializer)
    def get(self, request: Request, slug: str) -> Response:
        department = self._department(slug, Verb.DISCOVER)
        return Response({"own_data": "always" if sign_offs.own_needs_one(department.pk, None) else "never"})

    @extend_schema(request=SignOffRuleSerializer, responses=SignOffRuleSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """Needs the role manager. A deployment's own rule (PATCH deployments/{name}/) counts before it."""
        department = self._department(slug, Verb.MANAGE)
        asked = SignOffRuleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        always = asked.validated_data["own_data"] == "always"
        sign_offs.set_rule(actor=self.actor, department=department, deployment=None, always=always)
        return Response({"own_data": asked.validated_data["own_data"]})

    def _department(self, slug: str, verb: Verb) -> Department:
        department = get_object_or_404(Department, slug=slug)
        require_in(self.actor, verb, department)
        return department
