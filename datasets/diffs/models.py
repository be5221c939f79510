"""A comparison of two versions, kept so that a large one is computed once."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class VersionDiff(models.Model):
    """What changed from one version to another, for readers who get the same of both. Gone with either version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    older = models.ForeignKey("datasets.DatasetVersion", on_delete=models.CASCADE, related_name="+")
    newer = models.ForeignKey("datasets.DatasetVersion", on_delete=models.CASCADE, related_name="diffs")
    # What was compared: the stored tables and the key. Another content or another projection is another comparison.
    fingerprint = models.CharField(max_length=64, unique=True)
    report = models.JSONField(null=True)
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = models.Manager()

    def __str__(self) -> str:
        return f"{self.older_id} → {self.newer_id}"
