"""Predictions for every row of a table, made by a job."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class BatchPrediction(models.Model):
    """One table answered by a deployment: what was read, with which version, and the data set that came of it.

    It belongs to `department`, which keeps the result. `keep` names the source's columns that the result repeats.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="batches")
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    # The one that answered when it was asked for: a change of the deployment's version changes no batch.
    model_version = models.ForeignKey("training.ModelVersion", on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey("datasets.DatasetVersion", on_delete=models.SET_NULL, null=True, related_name="+")
    result = models.OneToOneField("datasets.DatasetVersion", on_delete=models.SET_NULL, null=True, related_name="batch")
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    keep = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["deployment", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.deployment} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def state(self) -> str:
        """The job's; a job that is cleaned away had ended."""
        return str(self.job.state) if self.job else "succeeded"
