"""Runs that train one model each, studies that tune, and the registered models that result."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from departments.querysets import ProtectedQuerySet
from training.engine.demands import NONE
from training.querysets import ModelQuerySet, ModelVersionQuerySet, RunQuerySet


class RunState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    SUCCEEDED = "succeeded", _("Succeeded")
    STOPPED = "stopped", _("Stopped, best kept")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    # Only a study's trial: it was clearly worse than others at the same step.
    PRUNED = "pruned", _("Ended early")


LIVE = (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED)
WITH_RESULT = (RunState.SUCCEEDED, RunState.STOPPED)


class Pruner(models.TextChoices):
    """How poor trials are found on their way: see training.engine.pruning."""

    NONE = "none", _("Every trial trains to its end")
    ASHA = "asha", _("Successive halving (ASHA)")
    HYPERBAND = "hyperband", _("Hyperband")
    MEDIAN = "median", _("Worse than the median")


class Study(models.Model):
    """Tuning: trials of one configuration over declared parameter ranges."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="studies")
    name = models.CharField(max_length=160)
    dataset_version = models.ForeignKey("datasets.DatasetVersion", on_delete=models.PROTECT, related_name="studies")
    # {recipe, steps, target, task, family, params, seed, split, time_limit}: what every trial shares.
    configuration = models.JSONField(default=dict)
    search = models.JSONField(default=dict)
    metric = models.CharField(max_length=40, blank=True)
    direction = models.CharField(max_length=8, default="minimize")
    trial_count = models.PositiveIntegerField(default=10)
    pruner = models.CharField(max_length=10, choices=Pruner.choices, default=Pruner.NONE)
    # What the best trial may not exceed: any of {latency_ms, size_mb}.
    limits = models.JSONField(default=dict)
    parallel = models.PositiveSmallIntegerField(default=2)
    # Seconds of the whole study, counted from its start or its last continuation.
    total_time_limit = models.FloatField(null=True)
    began_at = models.DateTimeField(default=timezone.now)
    # Figures of the table by which other studies find similar ones: counts and shares, no names. {}: unknown.
    meta = models.JSONField(default=dict)
    # Configurations that were tried first because they did best on similar tables.
    borrowed = models.JSONField(default=list)
    # The registered model that gets the best trial's version, and whether it gets it without being asked at the end.
    model_name = models.CharField(max_length=160, blank=True)
    promote_best = models.BooleanField(default=True)
    ended_by = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.QUEUED)
    error = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ProtectedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return self.name

    @property
    def grant_target(self) -> None:
        """Studies are not shared between departments."""
        return None

    @property
    def is_finished(self) -> bool:
        return self.state not in LIVE


class TrainingRun(models.Model):
    """One training: its whole configuration, its live state, and what came of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="runs")
    name = models.CharField(max_length=160)
    dataset_version = models.ForeignKey("datasets.DatasetVersion", on_delete=models.PROTECT, related_name="runs")
    # What of the table the run got when it began: WHOLE, or the digest of a grant's terms. Empty before.
    projection = models.CharField(max_length=64, blank=True)
    recipe = models.ForeignKey("datasets.Recipe", on_delete=models.SET_NULL, null=True, related_name="runs")
    # The recipe's steps as they were: a later edit of the recipe changes no run.
    steps = models.JSONField(default=list)
    features = models.JSONField(default=list)
    target = models.CharField(max_length=200)
    task = models.CharField(max_length=12, blank=True)
    preset = models.CharField(max_length=12, blank=True)
    family = models.CharField(max_length=40, blank=True)
    params = models.JSONField(default=dict)
    candidates = models.JSONField(default=list)
    seed = models.BigIntegerField(default=0)
    split = models.JSONField(default=dict)
    # What is asked besides; see engine/demands.py.
    weight = models.CharField(max_length=200, blank=True)
    class_weight = models.CharField(max_length=10, default=NONE)
    monotone = models.JSONField(default=dict)
    latency_ms = models.FloatField(null=True)
    # The run whose record this one repeats, unit by unit and step by step; its own otherwise.
    reproduces = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="reproductions")
    time_limit = models.FloatField(null=True)
    estimate_seconds = models.FloatField(null=True)
    # The run that this one was cloned from, to tell what was changed.
    like = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="clones")
    # {"name", "mapping"} of the starting point that asked for it: see training.starting.
    starting_point = models.JSONField(default=dict)
    # The registered model that the result becomes a version of; empty: the one of this data set and target.
    model_name = models.CharField(max_length=160, blank=True)

    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.QUEUED)
    job = models.OneToOneField("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="run")
    progress = models.FloatField(default=0)
    metrics = models.JSONField(default=dict)
    baseline = models.JSONField(default=dict)
    leaderboard = models.JSONField(default=list)
    findings = models.JSONField(default=list)
    report = models.JSONField(default=dict)
    error = models.JSONField(null=True)

    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["department", "-created_at"])]

    def __str__(self) -> str:
        return self.name

    @property
    def grant_target(self) -> None:
        """Runs are not shared between departments; the models that they make can be."""
        return None

    @property
    def is_finished(self) -> bool:
        return self.state not in LIVE

    @property
    def current_state(self) -> str:
        """While the run lives its job knows best: it can be paused and resumed without the run's row being touched."""
        return self.state if self.is_finished or self.job is None else str(self.job.state)

    @property
    def current_progress(self) -> float:
        return self.progress if self.is_finished or self.job is None else float(self.job.progress)


class ScoredRows(models.Model):
    """Where a run's answers on held-out rows lie in the storage; see training.scored."""

    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, related_name="scored")
    storage_key = models.CharField(max_length=200, db_index=True)
    size_bytes = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "scored rows"

    def __str__(self) -> str:
        return f"{self.run_id}: scored rows"


class Background(models.Model):
    """What explanations of a run's model compare with: see training.backgrounds. `content` is JSON, which no text in a
    row can keep from being stored."""

    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, related_name="background")
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.run_id}: background"


class Origin(models.TextChoices):
    """Why a trial's parameters were tried."""

    SEARCH = "search", _("Suggested")
    DEFAULT = "default", _("As asked for")
    SIMILAR = "similar", _("From a similar table")


class Trial(models.Model):
    """One try within a study: drawn parameters, the run that tried them, and the score."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField()
    params = models.JSONField(default=dict)
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.SEARCH)
    value = models.FloatField(null=True)
    # The lowest validation loss at each rung that it came to: {epoch or round: loss}.
    rungs = models.JSONField(default=dict)
    # Where and why it was ended: {step, unit, value, bar}.
    pruned = models.JSONField(null=True)
    latency_ms = models.FloatField(null=True)
    size_bytes = models.BigIntegerField(null=True)
    # By how much, as shares, it is over each of the study's limits; at most 0 where it keeps them.
    excess = models.JSONField(default=dict)
    feasible = models.BooleanField(default=True)
    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, related_name="trial")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="one_trial_per_number")]

    def __str__(self) -> str:
        return f"{self.study} #{self.number}"


class RunMetric(models.Model):
    """One point of a run's curves: the values logged at a step."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="points")
    # Which of the run's candidates logged it; each counts its own steps.
    candidate = models.CharField(max_length=40, blank=True)
    step = models.PositiveIntegerField()
    values = models.JSONField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["run", "candidate", "step"], name="one_point_per_step")]

    def __str__(self) -> str:
        return f"{self.run_id}@{self.step}"


class RunCurve(models.Model):
    """An ended run's curve of one metric in few points that keep its minima and maxima: what comparisons read."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="curves")
    name = models.CharField(max_length=200)
    # float64, little-endian: all the steps, then all the values; see training.curves.
    points = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_curve_per_metric")]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.name}"


class RunView(models.Model):
    """A person's own name for what a page of runs shows: its filters, order, chosen runs and chart, as a query string."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="run_views")
    page = models.CharField(max_length=10, choices=[("runs", _("Runs")), ("compare", _("Compare"))])
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["person", "page", "name"], name="one_view_per_name")]

    def __str__(self) -> str:
        return self.name


class RegisteredModel(models.Model):
    """A named line of model versions of one department."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="models")
    name = models.CharField(max_length=160)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["department", "name"], name="one_model_name_per_department")]

    def __str__(self) -> str:
        return self.name

    @property
    def grant_target(self) -> tuple[str, uuid.UUID]:
        return ("model", self.pk)


class ModelVersion(models.Model):
    """One trained artifact with its card. Data, never code; immutable."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="versions")
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(TrainingRun, on_delete=models.PROTECT, null=True, related_name="model_version")
    family = models.CharField(max_length=40)
    task = models.CharField(max_length=12)
    target = models.CharField(max_length=200)
    # A folder in the storage, addressed by its content: {storage_key}/manifest.json and what it lists.
    storage_key = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField(default=0)
    manifest = models.JSONField(default=dict)
    card = models.JSONField(default=dict)
    # Ended grants on data that it learned from, and what was decided: see training.revoked.
    revocations = models.JSONField(default=list)
    # Findings that somebody decided to live with: see training.overrides.
    overrides = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="one_model_version_per_number")]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"

    @property
    def grant_target(self) -> tuple[str, uuid.UUID]:
        return ("model", self.model_id)


class Effects(models.Model):
    """How a version uses its columns, worked out by a job: see training.effects. `content` is empty until it has ended."""

    version = models.OneToOneField(ModelVersion, on_delete=models.CASCADE, related_name="effects")
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    content = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "effects"

    def __str__(self) -> str:
        return f"{self.version_id}: effects"
