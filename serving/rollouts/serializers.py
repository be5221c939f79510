"""Rollouts, sign-offs and traffic as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from departments.access import Verb, decide_in
from serving.models import Deployment
from serving.rollouts.models import Rollout, SignOff, Switch
from serving.rollouts.services import LONGEST_REASON, active_of
from serving.rollouts.shares import traffic_of
from serving.rollouts.sign_offs import LONGEST, missing_for, rule_of
from serving.rollouts.steps import DEFAULT, MOST_CALLS, MOST_STEPS, Step
from serving.rollouts.steps import LONGEST as LONGEST_STEP
from serving.rollouts.watching import bakes_until

OWN_DATA = ["always", "never"]
SIGN_OFF_RULES = [*OWN_DATA, "department"]


class RolloutStepSerializer(serializers.Serializer[Any]):
    """One step; `minutes` null lasts until somebody advances it."""

    mode = serializers.ChoiceField(choices=["shadow", "canary"], default="canary")
    share = serializers.FloatField(min_value=0, max_value=1, default=0.0)
    minutes = serializers.FloatField(min_value=0, max_value=LONGEST_STEP, allow_null=True, default=10.0)
    calls = serializers.IntegerField(min_value=0, max_value=MOST_CALLS, default=100)


class AlarmsSerializer(serializers.Serializer[Any]):
    """How bad the challenger may be; null watches nothing. Shares are of its calls."""

    errors = serializers.FloatField(min_value=0, max_value=1, allow_null=True, required=False)  # type: ignore[assignment]
    p95_ratio = serializers.FloatField(min_value=1, max_value=1000, allow_null=True, required=False)
    disagreement = serializers.FloatField(min_value=0, max_value=1, allow_null=True, required=False)
    drift = serializers.BooleanField(required=False)
    coverage = serializers.BooleanField(required=False)


class StartSerializer(serializers.Serializer[Any]):
    """A challenger and how it is brought in; shadow, 5 %, 25 % and 100 % of ten minutes each where no steps are given."""

    model_version = serializers.UUIDField()
    steps = serializers.ListField(child=RolloutStepSerializer(), required=False, min_length=1, max_length=MOST_STEPS)
    alarms = AlarmsSerializer(required=False)
    override_reason = serializers.CharField(
        max_length=2000, required=False, help_text="Why findings that are open against the version may pass."
    )

    @property
    def plan(self) -> tuple[Step, ...]:
        given = self.validated_data.get("steps")
        return DEFAULT if given is None else tuple(Step(**step) for step in given)


class AdvanceSerializer(serializers.Serializer[Any]):
    step = serializers.IntegerField(
        min_value=0, required=False, help_text="The step that you saw, counted from 0: refused if it has moved on."
    )


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=LONGEST_REASON, required=False, allow_blank=True)


class RolloutSerializer(serializers.ModelSerializer[Rollout]):
    """A challenger on its way. What it showed so far stands under `figures/`, so that this changes with its steps only."""

    deployment = serializers.CharField(source="deployment.name", read_only=True)
    champion = serializers.UUIDField(source="champion_id", read_only=True)
    challenger = serializers.UUIDField(source="challenger_id", read_only=True)
    champion_version = serializers.IntegerField(source="champion.number", read_only=True)
    challenger_version = serializers.IntegerField(source="challenger.number", read_only=True)
    steps = RolloutStepSerializer(many=True, read_only=True)
    alarms = AlarmsSerializer(read_only=True)
    bakes_until = serializers.SerializerMethodField()
    waits_for = serializers.SerializerMethodField()
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    ended_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Rollout
        fields = (
            "id", "deployment", "champion", "champion_version", "challenger", "challenger_version", "state", "step",
            "steps", "alarms", "step_began_at", "bakes_until", "waits_for", "reason", "created_at", "created_by",
            "ended_at", "ended_by",
        )  # fmt: skip
        read_only_fields = fields

    def get_bakes_until(self, rollout: Rollout) -> str | None:
        ends = bakes_until(rollout) if rollout.is_active else None
        return ends.isoformat() if ends else None

    def get_waits_for(self, rollout: Rollout) -> list[str]:
        """Slugs of departments whose sign-off is missing."""
        if not rollout.is_active:
            return []
        return [each.owner.slug for each in missing_for(rollout.challenger, rollout.deployment)]


class SideSerializer(serializers.Serializer[Any]):
    """Latencies in microseconds: of whole calls, and of the model alone where both were asked the same."""

    calls = serializers.IntegerField()
    failed = serializers.IntegerField(allow_null=True)
    p50 = serializers.IntegerField(allow_null=True)
    p95 = serializers.IntegerField(allow_null=True)
    alone_p50 = serializers.IntegerField(allow_null=True)
    alone_p95 = serializers.IntegerField(allow_null=True)


class RolloutFiguresSerializer(serializers.Serializer[Any]):
    """What was seen since the rollout began."""

    champion = SideSerializer()
    challenger = SideSerializer()
    compared = serializers.IntegerField()
    uncompared = serializers.IntegerField()
    agreement = serializers.FloatField(allow_null=True)
    distance = serializers.FloatField(allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return asdict(instance)


class SwitchSerializer(serializers.ModelSerializer[Switch]):
    """That a name began to answer with another version."""

    before = serializers.UUIDField(source="before_id", read_only=True, allow_null=True)
    after = serializers.UUIDField(source="after_id", read_only=True)
    rollout = serializers.UUIDField(source="rollout_id", read_only=True, allow_null=True)
    by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Switch
        fields = ("id", "before", "after", "why", "rollout", "at", "by")
        read_only_fields = fields


class SignOffSerializer(serializers.ModelSerializer[SignOff]):
    """A department is asked whether a model that learned from its data may answer callers."""

    owner = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    model_version = serializers.UUIDField(source="model_version_id", read_only=True)
    model_name = serializers.CharField(source="model_version.model.name", read_only=True)
    version = serializers.IntegerField(source="model_version.number", read_only=True)
    datasets = serializers.ListField(child=serializers.CharField(), read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    decided_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = SignOff
        fields = (
            "id", "owner", "department", "model_version", "model_name", "version", "name", "datasets", "state", "reason",
            "created_at", "created_by", "decided_at", "decided_by",
        )  # fmt: skip
        read_only_fields = fields


class SignOffAnswerSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=LONGEST)


class TrafficSerializer(serializers.Serializer[Any]):
    """A version with its share of the callers."""

    version = serializers.UUIDField()
    share = serializers.FloatField(min_value=0, max_value=1, default=0.0)
    mode = serializers.ChoiceField(choices=["live", "shadow"], default="live")


class TrafficNowSerializer(TrafficSerializer):
    number = serializers.IntegerField()


class TrafficFields(serializers.Serializer[Any]):
    """What a deployment's representation says of its traffic; null to all but its department."""

    traffic = serializers.SerializerMethodField()
    rollout = serializers.SerializerMethodField()
    sign_off = serializers.SerializerMethodField()

    def _is_own(self, deployment: Deployment) -> bool:
        return decide_in(self.context["actor"], Verb.PREVIEW, deployment.department_id).allowed

    def _active(self, deployment: Deployment) -> Rollout | None:
        """Looked up once for one representation."""
        if not hasattr(self, "_found"):
            self._found = active_of(deployment)
        return self._found

    @extend_schema_field(TrafficNowSerializer(many=True, allow_null=True))
    def get_traffic(self, deployment: Deployment) -> list[dict[str, Any]] | None:
        return traffic_of(deployment, self._active(deployment)) if self._is_own(deployment) else None

    def get_rollout(self, deployment: Deployment) -> UUID | None:
        """The one that is on its way."""
        rollout = self._active(deployment) if self._is_own(deployment) else None
        return rollout.pk if rollout is not None else None

    @extend_schema_field(serializers.ChoiceField(choices=SIGN_OFF_RULES, allow_null=True))
    def get_sign_off(self, deployment: Deployment) -> str | None:
        """Whether a model of own data needs a sign-off to answer here."""
        return rule_of(deployment) if self._is_own(deployment) else None


class SignOffRuleSerializer(serializers.Serializer[Any]):
    """Whether models of a department's own data need a sign-off."""

    own_data = serializers.ChoiceField(choices=OWN_DATA)
