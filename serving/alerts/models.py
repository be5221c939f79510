"""Problems of deployments, and from when on something is one."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from departments.querysets import ProtectedQuerySet
from serving.alerts.kinds import KINDS


class Severity(models.TextChoices):
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


class AlertQuerySet(ProtectedQuerySet):
    """Alerts are for members of the owning department: they name columns and count callers."""

    def open(self) -> AlertQuerySet:
        return self.filter(closed_at=None)


class Alert(models.Model):
    """One problem of one deployment, from when it was found until it was over. One of a kind is open at a time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="alerts")
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    message = models.CharField(max_length=300, blank=True)
    # What the kind's text is filled with; names and counts, never values of rows.
    details = models.JSONField(default=dict)
    opened_at = models.DateTimeField(default=timezone.now)
    # When it was last found to be so, and since when it is not any more, if it may be over.
    seen_at = models.DateTimeField(default=timezone.now)
    clear_since = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)
    # Who closed it; null where it was over by itself.
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "kind"], condition=models.Q(closed_at=None), name="one_open_alert_per_kind"
            )
        ]
        indexes = [models.Index(fields=["department", "-opened_at"])]

    def __str__(self) -> str:
        return f"{self.kind} of {self.deployment}"

    @property
    def grant_target(self) -> None:
        return None

    @property
    def label(self) -> str:
        return str(KINDS[self.kind].label)

    @property
    def text(self) -> str:
        """What it says, in the reader's language."""
        text: str = str(KINDS[self.kind].text) % self.details
        return text

    @property
    def state(self) -> str:
        if self.closed_at:
            return "closed"
        return "acknowledged" if self.acknowledged_at else "raised"


class AlertRule(models.Model):
    """Where a deployment departs from a kind's default: turned off, or with another threshold."""

    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="alert_rules")
    kind = models.CharField(max_length=20)
    is_on = models.BooleanField(default=True)
    threshold = models.FloatField()
    hours = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["deployment", "kind"], name="one_rule_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.deployment_id}: {self.threshold:g}"
