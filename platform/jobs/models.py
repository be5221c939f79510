"""Jobs: anything that a worker does for someone. The row is the truth; the queue only rings the bell."""

from __future__ import annotations

import uuid

from django.apps import apps
from django.conf import settings
from django.db import models
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

    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "lease_expires_at"]),
            models.Index(fields=["about_kind", "about_id"]),
            models.Index(fields=["department", "-created_at"]),
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
