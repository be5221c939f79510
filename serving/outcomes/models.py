"""The truth that came later."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class OutcomeSource(models.TextChoices):
    """How the truth came."""

    API = "api", _("API")
    FILE = "file", _("File")
    REVIEW = "review", _("Review")


class Outcome(models.Model):
    """What really happened with one answered instance. A correction replaces the value and is audited.

    What was answered stands beside the truth, so that both are counted together without opening the log: `answered` is
    the label or the value, `decided` what the policy in use made of it (null without one), and `error` answered − true
    value (regression only).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="outcomes")
    prediction = models.ForeignKey("serving.Prediction", on_delete=models.CASCADE, related_name="outcomes")
    instance = models.PositiveIntegerField(default=0)
    value = models.JSONField()
    answered = models.JSONField()
    decided = models.JSONField(null=True)
    error = models.FloatField(null=True)
    source = models.CharField(max_length=8, choices=OutcomeSource.choices, default=OutcomeSource.API)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["deployment", "-created_at"])]
        constraints = [models.UniqueConstraint(fields=["prediction", "instance"], name="one_outcome_per_instance")]

    def __str__(self) -> str:
        return f"{self.prediction_id}[{self.instance}]"
