"""Outcomes over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from audit.services import record
from departments.access import Verb, require
from departments.api.viewsets import ActorMixin
from rest.idempotency import IdempotentMixin
from rest.problems import invalid
from serving.models import Deployment
from serving.outcomes.models import Outcome
from serving.outcomes.services import MOST, NotKept, Taken, Told, require_some, take
from serving.ownership import require_own

MEMBERS = {"request_id", "instance", "value"}


class OutcomeSerializer(serializers.ModelSerializer[Outcome]):
    """What was answered and what really happened. `error` is answered − true, for regression."""

    request_id = serializers.UUIDField(source="prediction.request_id", read_only=True)
    value = serializers.JSONField(read_only=True)
    answered = serializers.JSONField(read_only=True)
    decided = serializers.JSONField(read_only=True, allow_null=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Outcome
        fields = (
            "id", "request_id", "instance", "value", "answered", "decided", "error", "source", "created_at",
            "updated_at", "created_by",
        )  # fmt: skip
        read_only_fields = fields


class ToldSerializer(serializers.Serializer[Any]):
    """One truth: of which request, of which of its instances (from 0), and what it was."""

    request_id = serializers.UUIDField()
    instance = serializers.IntegerField(min_value=0, default=0)
    value = serializers.JSONField(help_text="The class as it stands in the data, or the number.")


class NotKeptSerializer(serializers.Serializer[NotKept]):
    index = serializers.IntegerField()
    code = serializers.ChoiceField(choices=["unknown_request", "unknown_instance", "invalid_value"])
    message = serializers.CharField()


class TakenSerializer(serializers.Serializer[Taken]):
    """What became of them; each counts once."""

    new = serializers.IntegerField()
    corrected = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = NotKeptSerializer(many=True)


class Outcomes(IdempotentMixin, ActorMixin, GenericAPIView):
    """The truth that came later."""

    queryset = Outcome.objects.none()
    serializer_class = OutcomeSerializer
    filter_backends = ()
    method_scopes: ClassVar = {"POST": frozenset({Scope.PREDICT, Scope.WRITE})}
    ordering_fields = ("created_at",)

    def _deployment(self, name: str) -> Deployment:
        found = Deployment.objects.visible_to(self.actor).select_related("model_version__model")
        deployment: Deployment = get_object_or_404(found, name=name)
        return deployment

    def get_queryset(self) -> QuerySet[Outcome]:
        return Outcome.objects.select_related("prediction", "created_by").defer(
            "prediction__instances", "prediction__answers"
        )

    @extend_schema(operation_id="deployments_outcomes_list", responses=OutcomeSerializer(many=True), filters=False)
    def get(self, request: Request, name: str) -> Response:
        """The outcomes of the deployment's answers, newest first. For the owning department only."""
        deployment = self._deployment(name)
        rule = require_own(self.actor, deployment).rule
        page = self.paginate_queryset(self.get_queryset().filter(deployment=deployment))
        record("deployment.read_outcomes", deployment, rule=rule, details={"outcomes": len(page or ())})
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="deployments_outcomes_create",
        request=ToldSerializer(many=True),
        responses={200: TakenSerializer},
    )
    def post(self, request: Request, name: str) -> Response:
        """Say what really happened: one {request_id, instance, value}, or a list of up to 10,000.

        What fits is kept and the rest is listed under `refused` by its place. Nothing is kept and the answer is 422
        where none fits. The same value again changes nothing; another value corrects the first and is audited.
        Callers of another department report on requests that they made.
        """
        try:
            deployment = Deployment.objects.select_related("model_version").get(name=name)
        except Deployment.DoesNotExist:
            raise Http404 from None
        require(self.actor, Verb.PREDICT, deployment)
        taken = take(actor=self.actor, deployment=deployment, told=told_by(request.data))
        require_some(taken)
        return Response(TakenSerializer(taken).data)


def told_by(body: Any) -> list[Told]:
    """Read a body's truths. Raises Refused (422) for what is no such list."""
    items = body if isinstance(body, list) else [body]
    if not 1 <= len(items) <= MOST:
        raise invalid("", f"got {len(items)} outcomes; send 1 to {MOST:,} in one request")
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not {"request_id", "value"} <= set(item) <= MEMBERS:
            raise invalid(f"[{index}]", 'an outcome is {"request_id": …, "instance": 0, "value": …}')
    return [Told(item["request_id"], item["value"], item.get("instance", 0)) for item in items]
