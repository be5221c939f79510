"""The audit trail: who did what to which version under which rule. It holds no personal values of anybody's rows."""

import uuid

from django.db import models
from django.utils import timezone


class AuditEvent(models.Model):
    """One act. References are plain ids, so that the trail outlives what it speaks of.

    `mac` vouches for the event itself from the moment it is written; `sequence` and `chain` link it to all that were
    written before it (see audit.chain).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    actor_id = models.UUIDField(null=True, db_index=True)
    actor_name = models.CharField(max_length=150, blank=True)
    token_id = models.UUIDField(null=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=36, blank=True)
    verb = models.CharField(max_length=60, db_index=True)
    object_kind = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=40, blank=True, db_index=True)
    object_name = models.CharField(max_length=200, blank=True)
    version = models.CharField(max_length=40, blank=True)
    department_id = models.UUIDField(null=True, db_index=True)
    rule = models.CharField(max_length=80, blank=True)
    details = models.JSONField(default=dict, blank=True)
    mac = models.CharField(max_length=64, blank=True)
    sequence = models.BigIntegerField(null=True, unique=True)
    chain = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["created_at"], name="audit_unlinked", condition=models.Q(sequence=None))]

    def __str__(self) -> str:
        return f"{self.actor_name or 'system'} {self.verb} {self.object_kind} {self.object_name}"


class AuditHead(models.Model):
    """The end of the chain, one row: how many events are linked, the last link, and what the last check found."""

    sequence = models.BigIntegerField(default=0)
    chain = models.CharField(max_length=64, blank=True)
    checked_at = models.DateTimeField(null=True)
    checked_events = models.BigIntegerField(default=0)
    faults = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.sequence}:{self.chain}"
