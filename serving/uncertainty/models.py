"""What a model version knows of its own errors, at rest."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class ModelUncertainty(models.Model):
    """Quantiles of a version's errors on its calibration rows, and how well they held on its test rows. No rows."""

    model_version = models.OneToOneField("training.ModelVersion", on_delete=models.CASCADE, related_name="uncertainty")
    # The input whose groups have quantiles of their own; empty: one set of quantiles for all.
    by = models.CharField(max_length=200, blank=True)
    # See serving.runtime.uncertainty.conformal.Conformal.to_json.
    conformal = models.JSONField()
    # [{level, rows, share, low, high, size}] on the test rows, and the same by group at the usual level, with its
    # {name, calibration}.
    coverage = models.JSONField(default=list)
    groups = models.JSONField(default=list)
    made_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.model_version_id}: uncertainty"
