"""Endpoints of departments, events that happened, and how each was delivered to whom."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from departments.querysets import ProtectedQuerySet


class Endpoint(models.Model):
    """An address of a department that is told of the events it chose.

    `sealed` is the secret that signs, sealed; `old_sealed` the one before, which signs beside it until `old_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=80)
    target = models.URLField(max_length=500)
    events = models.JSONField(default=list)
    sealed = models.TextField()
    old_sealed = models.TextField(blank=True)
    old_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    # Why the platform turned it off by itself; empty when a person did, or nobody.
    disabled_reason = models.CharField(max_length=300, blank=True)
    last_delivered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ProtectedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def grant_target(self) -> None:
        """Where a department's events go is not shared."""
        return None

    @property
    def state(self) -> str:
        return "active" if self.is_active else "failed" if self.disabled_reason else "paused"


class Event(models.Model):
    """Something that happened in a department. Its id is the `webhook-id`, the same at every try and every endpoint."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    type = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("To be delivered")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Not delivered")


class Delivery(models.Model):
    """One event on its way to one endpoint."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    # How often it was tried since it was first, or last again, to be sent.
    tries = models.PositiveSmallIntegerField(default=0)
    # When it is tried next; while a try is under way, when that one counts as lost. Null once it is settled.
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="one_delivery_per_endpoint_and_event")
        ]
        indexes = [
            models.Index(fields=["due_at"], name="webhook_due", condition=models.Q(state="pending")),
            models.Index(fields=["endpoint", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint}"


class Attempt(models.Model):
    """One try: what was sent and what came back, shortened. The signature is not kept."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    request = models.TextField()
    response = models.TextField(blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.status or self.error} at {self.at}"
