"""Forgetting a person, as a record of what was asked, found and erased."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from datasets.querysets import ErasureQuerySet


class ErasureState(models.TextChoices):
    SEARCHING = "searching", _("Searching")
    FOUND = "found", _("Found")
    NOTHING = "nothing", _("Nothing found")
    ERASING = "erasing", _("Erasing")
    ERASED = "erased", _("Erased")
    FAILED = "failed", _("Failed")


class Erasure(models.Model):
    """Forgetting one person in all data of a department: found first, then erased, with a report of who saw it.

    The subject's key is kept sealed, and only until it is erased; afterwards a keyed hash answers whether somebody was
    forgotten, and nobody can read from it who.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="erasures")
    state = models.CharField(max_length=10, choices=ErasureState.choices, default=ErasureState.SEARCHING)
    sealed_subject = models.TextField(blank=True)
    subject_hash = models.CharField(max_length=64, db_index=True)
    columns = models.JSONField(default=list)
    reason = models.CharField(max_length=300, blank=True)
    report = models.JSONField(default=dict)
    error = models.JSONField(null=True)
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ErasureQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"erasure {str(self.pk)[:8]}"

    @property
    def grant_target(self) -> None:
        """Nobody else's business."""
        return None
