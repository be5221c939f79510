"""Answers that wait for a person."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from departments.access import Actor, Verb

WITHIN = timedelta(days=2)  # how long a case may wait before it is late


def due() -> datetime:
    return timezone.now() + WITHIN


class ReviewState(models.TextChoices):
    OPEN = "open", _("Open")
    DECIDED = "decided", _("Decided")


class ReviewQuerySet(QuerySet["ReviewItem"]):
    """Cases hold what callers asked: members of the owning department see them, platform admins do not."""

    def visible_to(self, actor: Actor) -> Self:
        if actor.person_id is None or not actor.has_scope(Verb.PREVIEW):
            return self.none()
        return self.filter(department__in=actor.departments_with(Verb.PREVIEW))

    def open(self) -> Self:
        return self.filter(state=ReviewState.OPEN)


class ReviewItem(models.Model):
    """One answered instance that a policy left to a person, and what the person decided.

    The inputs stay in the log (`prediction.instances[instance]`); `probability` is the calibrated one, null for a number,
    and `answered` the likeliest class or the value.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="reviews")
    prediction = models.ForeignKey("serving.Prediction", on_delete=models.CASCADE, related_name="reviews")
    instance = models.PositiveIntegerField()
    answered = models.JSONField()
    probability = models.FloatField(null=True)
    rule = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=8, choices=ReviewState.choices, default=ReviewState.OPEN)
    assignee = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="reviews")
    due_at = models.DateTimeField(default=due)
    decision = models.JSONField(null=True)
    note = models.TextField(blank=True)
    is_truth = models.BooleanField(default=False)
    decided_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["due_at"]
        indexes = [models.Index(fields=["department", "state", "due_at"])]
        constraints = [models.UniqueConstraint(fields=["prediction", "instance"], name="one_review_per_instance")]

    def __str__(self) -> str:
        return f"{self.prediction_id}[{self.instance}]"

    @property
    def is_late(self) -> bool:
        return self.state == ReviewState.OPEN and self.due_at < timezone.now()
