"""Names that answer predictions, and what they answered."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from serving.querysets import DeploymentQuerySet


class DeploymentState(models.TextChoices):
    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")


class Deployment(models.Model):
    """A name, unique in the platform, that answers predictions with a model version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(max_length=80, unique=True)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="deployments")
    model_version = models.ForeignKey("training.ModelVersion", on_delete=models.PROTECT, related_name="deployments")
    policy = models.ForeignKey(
        "serving.DecisionPolicy", on_delete=models.SET_NULL, null=True, related_name="deployments"
    )
    state = models.CharField(max_length=10, choices=DeploymentState.choices, default=DeploymentState.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def grant_target(self) -> tuple[str, uuid.UUID]:
        return ("model", self.model_version.model_id)


class Arm(models.TextChoices):
    """By whom a request was answered while a rollout went on."""

    CHAMPION = "champion", _("Champion")
    CHALLENGER = "challenger", _("Challenger")
    # It was the challenger's to answer, which failed: the champion answered.
    FALLBACK = "fallback", _("Champion, for a challenger that failed")


class Prediction(models.Model):
    """One answered request: what was asked, what was answered, by which version, how fast."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request_id = models.UUIDField(unique=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="predictions")
    model_version = models.ForeignKey("training.ModelVersion", on_delete=models.CASCADE, related_name="+")
    person_id = models.UUIDField(null=True)
    token_id = models.UUIDField(null=True)
    rule = models.CharField(max_length=80, blank=True)
    rows = models.PositiveIntegerField()
    instances = models.JSONField()
    answers = models.JSONField()
    microseconds = models.PositiveIntegerField()
    # Empty where no rollout was on its way.
    arm = models.CharField(max_length=10, choices=Arm.choices, blank=True)
    # Whether the challenger answered the same, unseen by the caller: null where it was not asked.
    shadow_agreed = models.BooleanField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["deployment", "-created_at"])]

    def __str__(self) -> str:
        return str(self.request_id)


# The models of the subjects stand in their own packages.
from serving.alerts.models import Alert, AlertRule, Severity
from serving.batch.models import BatchPrediction
from serving.monitoring.models import RefusedCalls, TrafficHour, TrafficMinute
from serving.outcomes.models import Outcome
from serving.policies.models import DecisionPolicy
from serving.review.models import ReviewItem
from serving.rollouts.models import Rollout, RolloutTally, SignOff, SignOffRule, Switch
from serving.uncertainty.models import ModelUncertainty

__all__ = [
    "Alert", "AlertRule", "Arm", "BatchPrediction", "DecisionPolicy", "Deployment", "DeploymentState",
    "ModelUncertainty", "Outcome", "Prediction", "RefusedCalls", "ReviewItem", "Rollout", "RolloutTally",
    "Severity", "SignOff", "SignOffRule", "Switch", "TrafficHour", "TrafficMinute",
]  # fmt: skip
