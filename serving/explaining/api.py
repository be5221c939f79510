"""Counterfactuals over REST."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.models import ApiToken
from audit.services import record
from departments.access import Actor, Verb, require
from departments.quotas.services import require_quickly
from serving import snapshots
from serving.api.lean import LeanView, json_body
from serving.api.serializers import AnswerSerializer
from serving.api.views import deployment_of
from serving.explaining import alternatives
from serving.predictors import unreadable
from serving.runtime.faults import InstanceErrors


class QuestionSerializer(serializers.Serializer[Any]):
    """An instance and what should be answered instead.

    `want` is {"label": …}, {"label": …, "at_least": probability}, {"at_least": value}, {"at_most": value} or
    {"decision": …}; without it, any other label.
    """

    instance = serializers.DictField()
    want = serializers.DictField(required=False)
    locked = serializers.ListField(child=serializers.CharField(), required=False, help_text="Columns that stay.")
    directions = serializers.DictField(
        child=serializers.ChoiceField(choices=["up", "down"]), required=False, help_text="Columns that go one way only."
    )
    count = serializers.IntegerField(min_value=1, max_value=alternatives.MOST, default=3)


class ChangeSerializer(serializers.Serializer[Any]):
    column = serializers.CharField()
    to = serializers.JSONField()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.JSONField(allow_null=True)}


class CounterfactualSerializer(serializers.Serializer[Any]):
    """A changed instance, its answer, and how far it is from the one given, in usual differences of the columns."""

    changes = ChangeSerializer(many=True)
    instance = serializers.DictField()
    answer = AnswerSerializer()
    distance = serializers.FloatField()


class CounterfactualsSerializer(serializers.Serializer[Any]):
    """`counterfactuals` is empty where none was found within what training saw."""

    answer = AnswerSerializer()
    counterfactuals = CounterfactualSerializer(many=True)
    locked = serializers.ListField(child=serializers.CharField())
    searched = serializers.IntegerField()
    model_version = serializers.UUIDField()


class Counterfactuals(LeanView):
    """What would change an answer."""

    @extend_schema(
        operation_id="deployments_counterfactuals",
        request=QuestionSerializer,
        responses={200: CounterfactualsSerializer},
    )
    def post(self, request: HttpRequest, actor: Actor, token: ApiToken | None, name: str) -> HttpResponse:
        """The fewest changes that get another answer, within what training saw; those are the endpoint's own answers.

        Needs what predicting needs.
        """
        deployment = deployment_of(name)
        decision = require(actor, Verb.PREDICT, deployment)
        snapshot = snapshots.opened(deployment)
        require_quickly(snapshot.department, "predictions", 1)
        question = alternatives.read(json_body(request), snapshot.champion.predictor.inputs)
        try:
            found = alternatives.find(snapshot=snapshot, version=deployment.model_version, question=question)
        except InstanceErrors as wrong:
            raise unreadable(wrong) from None
        version = deployment.model_version.number
        record("deployment.counterfactuals", deployment, rule=decision.rule, version=version)
        told = {**found.to_json(), "model_version": snapshot.champion.id}
        return HttpResponse(orjson.dumps(told), content_type="application/json")
