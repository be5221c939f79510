"""Deployments and predictions as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from departments.access import Verb, decide
from departments.models import Department
from serving.inputs import columns_shown, example_of
from serving.models import Deployment, DeploymentState, Prediction
from serving.rollouts.serializers import SIGN_OFF_RULES, TrafficFields, TrafficSerializer
from training.api.serializers import DataRevokedField


class InputSerializer(serializers.Serializer[Any]):
    """One column that the model reads. What training saw of it is shown to those who may preview or predict."""

    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["integer", "number", "boolean", "date", "datetime", "text"])
    required = serializers.BooleanField()  # type: ignore[assignment]
    categories = serializers.ListField(child=serializers.CharField(), required=False)
    minimum = serializers.JSONField(required=False)
    maximum = serializers.JSONField(required=False)
    example = serializers.JSONField(required=False, allow_null=True)
    unseen = serializers.ChoiceField(choices=["accept", "refuse"])


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """A name that answers predictions, and what answers."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    model_version = serializers.UUIDField(source="model_version_id", read_only=True)
    model = serializers.UUIDField(source="model_version.model_id", read_only=True)
    model_name = serializers.CharField(source="model_version.model.name", read_only=True)
    version = serializers.IntegerField(source="model_version.number", read_only=True)
    task = serializers.CharField(source="model_version.task", read_only=True)
    target = serializers.CharField(source="model_version.target", read_only=True)
    data_revoked = DataRevokedField(source="model_version")
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:deployment-detail", lookup_field="name")
    predict_url = serializers.HyperlinkedIdentityField(view_name="api:deployment-predict", lookup_field="name")

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = (
            "id", "name", "department", "state", "model_version", "model", "model_name", "version", "task", "target",
            "data_revoked", "created_at", "updated_at", "created_by", "url", "predict_url",
        )  # fmt: skip
        read_only_fields = fields


class DeploymentDetailSerializer(TrafficFields, DeploymentSerializer):
    """With the model's own schema, a request that works, and who answers now."""

    inputs = serializers.SerializerMethodField()
    classes = serializers.SerializerMethodField()
    example = serializers.SerializerMethodField()

    class Meta(DeploymentSerializer.Meta):
        fields = (*DeploymentSerializer.Meta.fields, "inputs", "classes", "example", "traffic", "rollout", "sign_off")
        read_only_fields = fields

    def _open(self, deployment: Deployment) -> bool:
        actor = self.context["actor"]
        return any(decide(actor, verb, deployment).allowed for verb in (Verb.PREDICT, Verb.PREVIEW))

    @extend_schema_field(InputSerializer(many=True))
    def get_inputs(self, deployment: Deployment) -> list[dict[str, Any]]:
        return columns_shown(deployment.model_version, with_statistics=self._open(deployment))

    @extend_schema_field(serializers.ListField(child=serializers.JSONField(), allow_null=True))
    def get_classes(self, deployment: Deployment) -> list[Any] | None:
        return deployment.model_version.manifest.get("classes") if self._open(deployment) else None

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_example(self, deployment: Deployment) -> dict[str, Any] | None:
        return {"instances": [example_of(deployment.model_version)]} if self._open(deployment) else None


class DeploySerializer(serializers.Serializer[Any]):
    """What a new deployment needs. The department is the model's; naming another one is refused."""

    name = serializers.CharField(max_length=80)
    department = serializers.SlugRelatedField(slug_field="slug", queryset=Department.objects.all(), required=False)
    model_version = serializers.UUIDField()
    override_reason = serializers.CharField(
        max_length=2000, required=False, help_text="Why findings that are open against the model may pass."
    )


class DeploymentChangeSerializer(serializers.Serializer[Any]):
    """Another version, or another state."""

    model_version = serializers.UUIDField(required=False)
    override_reason = serializers.CharField(
        max_length=2000, required=False, help_text="Why findings that are open against the version may pass."
    )
    state = serializers.ChoiceField(choices=DeploymentState.choices, required=False)
    traffic = serializers.ListField(
        child=TrafficSerializer(), required=False, min_length=1, max_length=2,
        help_text="Who is to answer: begins, changes, completes or rolls back a rollout, whichever it takes.",
    )  # fmt: skip
    sign_off = serializers.ChoiceField(
        choices=SIGN_OFF_RULES, required=False,
        help_text="Whether a model of own data needs a sign-off to answer here. Needs the role manager.",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"model_version", "state", "traffic", "sign_off"} & set(attrs):
            raise serializers.ValidationError("give model_version, traffic, state or sign_off")
        if {"model_version", "traffic"} <= set(attrs):
            raise serializers.ValidationError("give model_version or traffic, not both")
        return attrs


class PredictRequestSerializer(serializers.Serializer[Any]):
    instances = serializers.ListField(
        child=serializers.DictField(),
        min_length=1,
        max_length=10_000,
        help_text="Column names and values, one object a row.",
    )
    explain = serializers.BooleanField(required=False, help_text="Whether each answer says what moved it.")
    interval = serializers.FloatField(
        required=False,
        min_value=0.5,
        max_value=0.99,
        help_text="The share of cases, such as 0.9, that an interval or set is to cover; true means 0.9.",
    )
    key = serializers.CharField(
        required=False, max_length=200, help_text="Requests with the same key are answered by the same version."
    )


class ReasonSerializer(serializers.Serializer[Any]):
    """What one column added to the answer; `error` is the standard error where it was sampled."""

    column = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    contribution = serializers.FloatField()
    error = serializers.FloatField(required=False)


class ExplanationSerializer(serializers.Serializer[Any]):
    """The baseline and the contributions add up to the answer, on the scale that is named; strongest first."""

    method = serializers.ChoiceField(choices=["linear", "trees", "enumerated", "sampled"])
    background = serializers.ChoiceField(choices=["training", "example"])
    scale = serializers.ChoiceField(choices=["value", "log-odds"])
    label = serializers.JSONField(required=False)  # type: ignore[assignment]
    baseline = serializers.FloatField()
    answer = serializers.FloatField()
    contributions = ReasonSerializer(many=True)


class AnswerSerializer(serializers.Serializer[Any]):
    """`value` for regression; `label` and `probabilities` for classification; `explanation` on request."""

    value = serializers.FloatField(required=False)
    label = serializers.JSONField(required=False)  # type: ignore[assignment]
    probabilities = serializers.DictField(child=serializers.FloatField(), required=False)
    explanation = ExplanationSerializer(required=False)
    interval = serializers.ListField(
        child=serializers.FloatField(), min_length=2, max_length=2, required=False, help_text="Low and high."
    )
    set = serializers.ListField(
        child=serializers.JSONField(), required=False, help_text="The classes that the level does not rule out."
    )


class PredictResponseSerializer(serializers.Serializer[Any]):
    predictions = AnswerSerializer(many=True)
    model_version = serializers.UUIDField()
    policy_version = serializers.IntegerField(allow_null=True)
    data_version = serializers.UUIDField(allow_null=True)
    request_id = serializers.UUIDField()


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    """One answered request."""

    id = serializers.UUIDField(source="request_id", read_only=True)
    model_version = serializers.UUIDField(source="model_version_id", read_only=True)
    instances = serializers.ListField(child=serializers.DictField(), read_only=True)
    answers = AnswerSerializer(many=True, read_only=True)

    class Meta:
        model = Prediction
        fields = (
            "id", "model_version", "person_id", "token_id", "rule", "rows", "instances", "answers", "microseconds",
            "arm", "shadow_agreed", "created_at",
        )  # fmt: skip
        read_only_fields = fields
