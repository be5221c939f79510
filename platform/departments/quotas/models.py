"""What a department may use, and what it has used."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Quota(models.Model):
    """A department's limits; an empty one is no limit. CPU hours and predictions count by the month (UTC)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.OneToOneField("departments.Department", on_delete=models.CASCADE, related_name="quota")
    cpu_hours = models.FloatField(null=True)
    storage_bytes = models.BigIntegerField(null=True)
    predictions = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"Quota of {self.department_id}"


class LedgerEntry(models.Model):
    """What a department used of one kind: of a month ("2026-11"), or now (an empty period), in the kind's own unit."""

    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12)
    period = models.CharField(max_length=7, blank=True)
    amount = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["department", "kind", "period"], name="one_entry_per_kind_and_period")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.period}: {self.amount}"
