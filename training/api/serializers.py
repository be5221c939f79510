"""Runs, studies and models as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from departments.models import Choice
from training.cards import report_for, sees_values
from training.configuration import MAX_SEED, Request
from training.engine import split
from training.engine.demands import CLASS_WEIGHTS
from training.engine.family import FAMILIES, TASKS
from training.engine.presets import PRESETS
from training.live import eta_seconds
from training.models import ModelVersion, Pruner, RegisteredModel, RunState, Study, TrainingRun, Trial
from training.overrides import with_overrides
from training.revoked import data_revoked
from training.studies import best_trial
from training.study_options import Options
from training.study_results import importance_of


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt one must not be passed over in silence."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = [str(name) for name in data if name not in self.fields] if isinstance(data, Mapping) else []
        if unknown:
            known = ", ".join(sorted(self.fields))
            raise serializers.ValidationError({name[:80]: [f"unknown field; known are {known}"] for name in unknown})
        return super().to_internal_value(data)


class SplitSerializer(StrictSerializer):
    test = serializers.FloatField(required=False)
    validation = serializers.FloatField(required=False)
    kind = serializers.ChoiceField(
        choices=split.KINDS,
        required=False,
        help_text="random; grouped: no group on both sides; time: the last rows are the test.",
    )
    by = serializers.CharField(
        required=False, allow_null=True, max_length=200, trim_whitespace=False,
        help_text="The column of the groups, or of the times.",
    )  # fmt: skip


class RunRequestSerializer(StrictSerializer):
    """What to train. Give a preset, or a family with its parameters; what is left out is chosen for you."""

    dataset = serializers.UUIDField()
    version = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**31 - 1, help_text="Default: the newest ready one."
    )
    recipe = serializers.UUIDField(required=False, allow_null=True)
    department = serializers.SlugField(required=False, help_text="Whose run it is, where you belong to several.")
    name = serializers.CharField(required=False, allow_blank=True, max_length=160)
    model_name = serializers.CharField(
        required=False, allow_blank=True, max_length=160, help_text="The registered model that gets the new version."
    )
    target = serializers.CharField(max_length=200, trim_whitespace=False)
    task = serializers.ChoiceField(choices=TASKS, required=False, allow_null=True)
    features = serializers.ListField(
        child=serializers.CharField(max_length=200, trim_whitespace=False),
        required=False,
        max_length=100_000,
        help_text="Default: every column but the target.",
    )
    preset = serializers.ChoiceField(choices=list(PRESETS), required=False, allow_null=True)
    family = serializers.ChoiceField(choices=FAMILIES.names(), required=False, allow_null=True)
    params = serializers.DictField(child=serializers.JSONField(allow_null=True), required=False)
    time_limit = serializers.FloatField(required=False, allow_null=True, help_text="Seconds.")
    seed = serializers.IntegerField(required=False, min_value=0, max_value=MAX_SEED)
    split = SplitSerializer(required=False, help_text="Shares of the rows that are held out, and how they are chosen.")
    weight = serializers.CharField(
        required=False, allow_null=True, max_length=200, trim_whitespace=False,
        help_text="A column of numbers: how much each row counts.",
    )  # fmt: skip
    class_weight = serializers.ChoiceField(
        choices=CLASS_WEIGHTS, required=False, help_text="balanced: every class counts the same, however rare it is."
    )
    monotone = serializers.DictField(
        child=serializers.IntegerField(),
        required=False,
        help_text="{column: 1 or -1}: the answer must never fall (1) or never rise (-1) with it.",
    )
    latency_ms = serializers.FloatField(
        required=False, allow_null=True, help_text="The longest that one row's answer may take, in milliseconds."
    )

    def request(self) -> Request:
        """The validated fields that say what to train."""
        return Request(**{name: self.validated_data[name] for name in WHAT if name in self.validated_data})


WHAT = (
    "target", "task", "features", "preset", "family", "params", "time_limit", "seed", "split", "weight", "class_weight",
    "monotone", "latency_ms",
)  # fmt: skip


class CloneRequestSerializer(StrictSerializer):
    """The fields that shall differ from the run that is cloned."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = {name: field for name, field in RunRequestSerializer().get_fields().items() if name in WHAT}
        for field in fields.values():
            field.required = False
        return fields


class LimitsSerializer(StrictSerializer):
    latency_ms = serializers.FloatField(required=False, help_text="Of the model's answer for one row, milliseconds.")
    size_mb = serializers.FloatField(required=False, help_text="Of the model's files, megabytes of a million bytes.")


class StudyRequestSerializer(RunRequestSerializer):
    """A run's request, the ranges to search, and how many trials."""

    search = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        help_text='{parameter: {"low", "high", "log"} or a list of values}. Default: what the family declares.',
    )
    trials = serializers.IntegerField(required=False, default=10, min_value=1, max_value=200)
    pruner = serializers.ChoiceField(
        choices=Pruner.choices, required=False, help_text="How poor trials are ended on their way. Default: none."
    )
    limits = LimitsSerializer(required=False, help_text="What the best trial may not exceed.")
    parallel = serializers.IntegerField(required=False, help_text="Trials at a time. Default: 2.")
    total_time_limit = serializers.FloatField(required=False, allow_null=True, help_text="Seconds of the whole study.")
    warm_start = serializers.BooleanField(
        required=False, help_text="Begin with what did best on similar tables. Default: true."
    )
    promote_best = serializers.BooleanField(
        required=False, help_text="Make the best trial a model version at the end. Default: true."
    )

    def options(self) -> Options:
        """The validated fields that say how the study goes about it."""
        names = [field.name for field in dataclass_fields(Options)]
        return Options(**{name: self.validated_data[name] for name in names if name in self.validated_data})


class StudyResumeSerializer(StrictSerializer):
    trials = serializers.IntegerField(min_value=1, max_value=200, help_text="How many more.")


class PromoteSerializer(StrictSerializer):
    trial = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**31 - 1, help_text="Its number. Default: the best."
    )
    model_name = serializers.CharField(
        required=False, allow_blank=True, max_length=160, help_text="The registered model that gets the version."
    )


class DatasetRefSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="dataset_id")
    name = serializers.CharField(source="dataset.name")
    version = serializers.IntegerField(source="number")


class ModelVersionRefSerializer(serializers.ModelSerializer[ModelVersion]):
    model = serializers.UUIDField(source="model_id", read_only=True)
    name = serializers.CharField(source="model.name", read_only=True)

    class Meta:
        model = ModelVersion
        fields = ("id", "model", "name", "number")
        read_only_fields = fields


class RunSerializer(serializers.ModelSerializer[TrainingRun]):
    """A run as lists show it."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    state = serializers.ChoiceField(source="current_state", choices=RunState.choices, read_only=True)
    progress = serializers.FloatField(source="current_progress", read_only=True)
    eta_seconds = serializers.SerializerMethodField()
    dataset = DatasetRefSerializer(source="dataset_version", read_only=True)
    recipe = serializers.UUIDField(source="recipe_id", read_only=True, allow_null=True)
    job = serializers.UUIDField(source="job_id", read_only=True, allow_null=True)
    model_version = serializers.SerializerMethodField()
    url = serializers.HyperlinkedIdentityField(view_name="api:run-detail", lookup_field="id")

    class Meta:
        model = TrainingRun
        fields: tuple[str, ...] = (
            "id", "name", "department", "created_at", "created_by", "url", "state", "progress", "eta_seconds", "dataset",
            "recipe", "target", "task", "preset", "family", "params", "seed", "split", "weight",
            "class_weight", "monotone", "latency_ms", "time_limit", "estimate_seconds",
            "started_at", "finished_at", "metrics", "baseline", "error", "job", "model_version",
        )  # fmt: skip
        read_only_fields = fields

    def get_eta_seconds(self, run: TrainingRun) -> float | None:
        return eta_seconds(run)

    def get_model_version(self, run: TrainingRun) -> dict[str, Any] | None:
        version = getattr(run, "model_version", None)
        return dict(ModelVersionRefSerializer(version).data) if version else None


class RunDetailSerializer(RunSerializer):
    """A run with everything it was told and everything that came of it."""

    study = serializers.SerializerMethodField()
    report = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = (
            *RunSerializer.Meta.fields,
            "steps",
            "features",
            "candidates",
            "leaderboard",
            "findings",
            "report",
            "study",
        )
        read_only_fields = fields

    def get_report(self, run: TrainingRun) -> dict[str, Any]:
        return report_for(run, values=sees_values(self.context["view"].actor, run))

    def get_study(self, run: TrainingRun) -> str | None:
        trial: Trial | None = getattr(run, "trial", None)
        return str(trial.study_id) if trial else None


class PlanSerializer(serializers.Serializer[Any]):
    """What a request would try, and how long it would take."""

    task = serializers.ChoiceField(choices=TASKS)
    candidates = serializers.ListField(child=serializers.DictField())
    time_limit = serializers.FloatField(allow_null=True)
    estimate_seconds = serializers.FloatField()
    explanation = serializers.ListField(child=serializers.CharField())


class FindingSerializer(serializers.Serializer[Any]):
    """A check that failed. `action` is what a button would do: leave columns out, or begin the recipe with a step."""

    check = serializers.CharField()
    severity = serializers.ChoiceField(choices=["error", "warning", "info"])
    message = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    test = serializers.CharField()
    value = serializers.FloatField()
    threshold = serializers.FloatField()
    fix = serializers.CharField()
    action = serializers.DictField(allow_null=True)


class DataChecksSerializer(serializers.Serializer[Any]):
    """What the checks found in `rows` of the table's `of` rows."""

    findings = FindingSerializer(many=True)
    rows = serializers.IntegerField()
    of = serializers.IntegerField()


class CurveSerializer(serializers.Serializer[Any]):
    steps = serializers.ListField(child=serializers.IntegerField())
    values = serializers.ListField(child=serializers.FloatField())


class CurvesSerializer(serializers.Serializer[Any]):
    """Curves by metric, down-sampled so that minima and maxima stay."""

    series = serializers.DictField(child=CurveSerializer())


class StudySerializer(serializers.ModelSerializer[Study]):
    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    dataset = DatasetRefSerializer(source="dataset_version", read_only=True)
    trials = serializers.IntegerField(source="trial_count", read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:study-detail", lookup_field="id")

    class Meta:
        model = Study
        fields: tuple[str, ...] = (
            "id", "name", "department", "created_at", "created_by", "url", "state", "dataset", "configuration", "search",
            "metric", "direction", "trials", "pruner", "limits", "parallel", "total_time_limit", "promote_best",
            "ended_by", "error", "finished_at",
        )  # fmt: skip
        read_only_fields = fields


class StudyDetailSerializer(StudySerializer):
    """A study with what it found: its best trial's number, and each searched parameter's share of importance."""

    best_trial = serializers.SerializerMethodField()
    importance = serializers.SerializerMethodField()

    class Meta(StudySerializer.Meta):
        fields = (*StudySerializer.Meta.fields, "best_trial", "importance")
        read_only_fields = fields

    def get_best_trial(self, study: Study) -> int | None:
        best = best_trial(study)
        return best.number if best else None

    @extend_schema_field(serializers.DictField(child=serializers.FloatField()))
    def get_importance(self, study: Study) -> dict[str, float]:
        return importance_of(study, list(study.trials.all()))


class PrunedSerializer(serializers.Serializer[Any]):
    """A trial that was ended early: after so many epochs or rounds its loss was `value` where `bar` was needed."""

    step = serializers.IntegerField()
    unit = serializers.IntegerField()
    counted = serializers.CharField()
    value = serializers.FloatField()
    bar = serializers.FloatField()


class TrialSerializer(serializers.ModelSerializer[Trial]):
    run = serializers.UUIDField(source="run_id", read_only=True)
    state = serializers.ChoiceField(source="run.current_state", choices=RunState.choices, read_only=True)
    pruned = PrunedSerializer(read_only=True, allow_null=True)
    model_version = serializers.SerializerMethodField()

    class Meta:
        model = Trial
        fields = (
            "id", "number", "params", "origin", "value", "state", "pruned", "latency_ms", "size_bytes", "excess",
            "feasible", "run", "model_version",
        )  # fmt: skip
        read_only_fields = fields

    def get_model_version(self, trial: Trial) -> dict[str, Any] | None:
        version = getattr(trial.run, "model_version", None)
        return dict(ModelVersionRefSerializer(version).data) if version else None


class DataRevokedSerializer(serializers.Serializer[Any]):
    """What became of a model when access to data that it learned from ended; frozen, it answers no more."""

    at = serializers.DateTimeField()
    choice = serializers.ChoiceField(choices=Choice.choices)
    until = serializers.DateTimeField(allow_null=True)
    owner = serializers.CharField()


@extend_schema_field(DataRevokedSerializer(allow_null=True))
class DataRevokedField(serializers.ReadOnlyField):
    """`source` leads to a model version."""

    def __init__(self, source: str = "*", **kwargs: Any) -> None:
        super().__init__(source=source, **kwargs)

    def to_representation(self, value: ModelVersion) -> dict[str, Any] | None:
        return data_revoked(value)


class OverrideSerializer(serializers.Serializer[Any]):
    """A finding by its check and columns, and why it may pass."""

    check = serializers.CharField(max_length=80)
    columns = serializers.ListField(child=serializers.CharField(max_length=200), default=list, max_length=1000)
    reason = serializers.CharField(max_length=2000, default="", allow_blank=True)
    withdraw = serializers.BooleanField(default=False)


class ModelVersionSerializer(serializers.ModelSerializer[ModelVersion]):
    """A model version. Of whoever may only know that it exists, values from the data are kept back."""

    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    name = serializers.CharField(source="model.name", read_only=True)
    model = serializers.UUIDField(source="model_id", read_only=True)
    run = serializers.UUIDField(source="run_id", read_only=True, allow_null=True)
    inputs = serializers.SerializerMethodField()
    card = serializers.SerializerMethodField()
    data_revoked = DataRevokedField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = (
            "id", "name", "department", "created_at", "created_by", "url", "model", "number", "run", "family", "task",
            "target", "sha256", "size_bytes", "inputs", "card", "data_revoked",
        )  # fmt: skip
        read_only_fields = fields

    def get_inputs(self, version: ModelVersion) -> list[dict[str, Any]]:
        entries = version.manifest.get("inputs") or []
        return (
            entries
            if self.context["sees_values"]
            else [{k: e.get(k) for k in ("name", "type", "required")} for e in entries]
        )

    def get_card(self, version: ModelVersion) -> dict[str, Any]:
        revoked = {"data_revoked": data_revoked(version)}
        if self.context["sees_values"]:
            return {**version.card, "findings": with_overrides(version), **revoked}
        return {name: version.card.get(name) for name in ("dataset", "family", "metrics", "baseline")} | revoked

    def get_url(self, version: ModelVersion) -> str:
        return version_url(self.context["request"], version)


def version_url(request: Any, version: ModelVersion) -> str:
    from rest_framework.reverse import reverse

    return str(reverse("api:model-version-detail", args=[version.model_id, version.number], request=request))


class ModelSerializer(serializers.ModelSerializer[RegisteredModel]):
    department = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    created_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    versions = serializers.IntegerField(source="version_count", read_only=True)
    latest_version = serializers.IntegerField(source="latest_number", read_only=True, allow_null=True)
    url = serializers.HyperlinkedIdentityField(view_name="api:model-detail", lookup_field="id")

    class Meta:
        model = RegisteredModel
        fields = (
            "id", "name", "description", "department", "created_at", "updated_at", "created_by", "url", "versions",
            "latest_version",
        )  # fmt: skip
        read_only_fields = fields


class ParamSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField(source="title")  # type: ignore[assignment]
    kind = serializers.CharField()
    default = serializers.JSONField(allow_null=True)
    help = serializers.CharField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    choices = serializers.ListField(child=serializers.CharField())
    log = serializers.BooleanField()
    optional = serializers.BooleanField()
    tunable = serializers.BooleanField()
    search = serializers.JSONField(allow_null=True)


class FamilySerializer(serializers.Serializer[Any]):
    """A model family as it declares itself."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    tasks = serializers.ListField(child=serializers.ChoiceField(choices=TASKS))
    params = ParamSerializer(many=True)
