"""How decisions are made of a model's answers: versioned beside the model, never changed."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from departments.querysets import ProtectedQuerySet


class PolicyQuerySet(ProtectedQuerySet):
    grant_kind = "model"
    grant_path = "model_id"


class DecisionPolicy(models.Model):
    """Calibration, threshold by costs, band for review, rules and locked features; `number` counts within the model.

    `settings` is what a person chose (see serving.policies.settings), `document` what answers are decided by (see
    serving.runtime.decisions.policy), with the calibration that was fitted on the version's scored rows, and `figures`
    what the policy did to the held-out rows when it was saved.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    model = models.ForeignKey("training.RegisteredModel", on_delete=models.CASCADE, related_name="policies")
    model_version = models.ForeignKey("training.ModelVersion", on_delete=models.CASCADE, related_name="policies")
    number = models.PositiveIntegerField()
    settings = models.JSONField()
    document = models.JSONField()
    figures = models.JSONField(default=dict)
    reason = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        verbose_name_plural = "decision policies"
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="one_policy_per_number")]

    def __str__(self) -> str:
        return f"{self.model} policy {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Once. Raises TypeError for a second time: whoever wants another policy saves another one."""
        if not self._state.adding:
            raise TypeError("a decision policy never changes; save a new one")
        super().save(*args, **kwargs)

    @property
    def grant_target(self) -> tuple[str, uuid.UUID]:
        return ("model", self.model_id)
