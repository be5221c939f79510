"""What was asked and answered, in counts that add up: nothing has to be read from the log to judge a window."""

from __future__ import annotations

import uuid

from django.db import models


class TrafficHour(models.Model):
    """One clock hour (UTC) of one version at one deployment.

    `columns` holds {column: sketch}, `answers` the sketch of the answers (serving/runtime/drift), `latency` counts by
    the buckets of latency.py, `callers` {"person|token": [calls, rows]}. Sketches may count fewer rows than were
    answered: of a large batch they take some.
    """

    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="+")
    model_version = models.ForeignKey("training.ModelVersion", on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    columns = models.JSONField(default=dict)
    answers = models.JSONField(default=list)
    latency = models.JSONField(default=list)
    callers = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deployment", "model_version", "hour"], name="one_hour_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.deployment_id} {self.hour:%Y-%m-%d %H}"


class TrafficMinute(models.Model):
    """Answered calls of one minute and how long they took: for alerts, which cannot wait for the hour. Kept for a day."""

    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="+")
    minute = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)
    latency = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["deployment", "minute"], name="one_minute_per_deployment")]

    def __str__(self) -> str:
        return f"{self.deployment_id} {self.minute:%Y-%m-%d %H:%M}"


class RefusedCalls(models.Model):
    """Calls of one process that were refused or failed within a minute, by status. The id comes from the process, so that
    shipping it twice counts it once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField()
    calls = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["deployment", "at"])]

    def __str__(self) -> str:
        return f"{self.deployment_id} {self.status}: {self.calls}"
