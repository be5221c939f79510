"""Jobs: anything that a worker does for someone. The row is the truth; the queue only rings the bell."""

from __future__ import annotations

import uuid

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.querysets import JobQuerySet


class JobState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


FINISHED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class Job(models.Model):
    """One piece of work: state, progress, attempts, and the lease of the worker that holds it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="jobs")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    token = models.ForeignKey("accounts.ApiToken", on_delete=models.SET_NULL, null=True, related_name="+")
    queue = models.CharField(max_length=60, default="default")
    payload = models.JSONField(default=dict)
    about_kind = models.CharField(max_length=40, blank=True)
    about_id = models.UUIDField(null=True)

    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    signal = models.CharField(max_length=10, blank=True)
    progress = models.FloatField(default=0)
    note = models.CharField(max_length=200, blank=True)
    result = models.JSONField(null=True)
    error = models.JSONField(null=True)

    # The fence: every write of a run names its attempt, and a new one outdates the old.
    attempt = models.PositiveIntegerField(default=1)
    # Attempts that ended badly; being paused, or put back by a worker that shuts down, is none.
    failures = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    # When the job's one effect was committed; from then on it can only succeed.
    effect_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, blank=True)
    child_pid = models.IntegerField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)

    # Whom a free worker takes first, within a department: 0 what people wait for, 1 as a rule, 2 what takes long.
    priority = models.PositiveSmallIntegerField(default=1)
    # How long the work takes, where somebody knows.
    estimate_seconds = models.FloatField(null=True)
    # CPU time (user and system, of the job's process and all below it): of ended attempts, and of the one that runs.
    cpu_ms = models.BigIntegerField(default=0)
    cpu_live_ms = models.BigIntegerField(default=0)
    # Whether the job waits because it made room for another department's.
    gave_way = models.BooleanField(default=False)

    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    # When it last began to wait.
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "lease_expires_at"]),
            models.Index(fields=["about_kind", "about_id"]),
            models.Index(fields=["department", "-created_at"]),
            # What a free worker looks through: small, however many jobs have ended.
            models.Index(fields=["department", "created_at"], condition=Q(state="queued"), name="jobs_waiting"),
            models.Index(fields=["department"], condition=Q(state="running"), name="jobs_running"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("jobs:detail", args=[self.pk])

    @property
    def grant_target(self) -> None:
        """Jobs are not shared between departments."""
        return None

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED

    @property
    def seconds(self) -> float | None:
        """How long the present or last attempt has taken; None before the first."""
        if self.started_at is None:
            return None
        return max(0.0, ((self.finished_at or timezone.now()) - self.started_at).total_seconds())

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all attempts so far; of the one that runs, as of its last heartbeat."""
        return (self.cpu_ms + self.cpu_live_ms) / 1000

    @property
    def waited(self) -> float | None:
        """Seconds until the present or last attempt began."""
        return (self.started_at - self.created_at).total_seconds() if self.started_at else None

    @property
    def about(self) -> models.Model | None:
        """The object that the job works on, if it is still there."""
        found = (model for model in apps.get_models() if model._meta.model_name == self.about_kind)
        model = next(found, None) if self.about_id else None
        return model._default_manager.filter(pk=self.about_id).first() if model is not None else None

    @property
    def about_url(self) -> str:
        """The page of that object; "" when it has none."""
        page = getattr(self.about, "get_absolute_url", None)
        return str(page()) if page is not None else ""


class JobLog(models.Model):
    """One line that a job said to the person who waits for it."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="lines")
    attempt = models.PositiveSmallIntegerField()
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10, default="info")
    message = models.TextField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.message


class Attempt(models.Model):
    """One ended attempt of a job and the CPU time that it took: what the ledger is made of."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    cpu_ms = models.BigIntegerField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="an_attempt_ends_once")]

    def __str__(self) -> str:
        return f"{self.job_id} attempt {self.number}"


class Share(models.Model):
    """What a department computed lately: CPU time that counts half after an hour. Decides between equals."""

    department = models.OneToOneField("departments.Department", on_delete=models.CASCADE, related_name="+")
    cpu_ms = models.FloatField(default=0)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.department_id}: {self.cpu_ms:.0f} ms"


class Worker(models.Model):
    """A worker process that does jobs, and when it was last seen at it."""

    name = models.CharField(max_length=120, unique=True)
    queues = models.JSONField(default=list)
    slots = models.PositiveSmallIntegerField(default=1)
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class JobUsage(models.Model):
    """What a job's processes used at one moment of an attempt; see jobs.usage."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="usage")
    attempt = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    # Of one core, since the point before: two busy processes are 200.
    cpu_percent = models.FloatField()
    memory_mb = models.PositiveIntegerField()
    threads = models.PositiveIntegerField()
    progress = models.FloatField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.job_id}@{self.at:%H:%M:%S}"
