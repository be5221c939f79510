"""Files on their way in, before anything is made of them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from datasets.querysets import UploadQuerySet


class Upload(models.Model):
    """A file whose bytes are appended in order and belong to nobody's data set yet. Its person's alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    department_id: uuid.UUID
    # What it is to become the next version of; empty for a new data set.
    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, null=True, related_name="+")
    filename = models.CharField(max_length=255)
    # As the client sent it: the protocol gives it back.
    metadata = models.TextField(blank=True)
    length = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    # Of the whole file; empty until its last byte is here.
    sha256 = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.filename

    @property
    def is_whole(self) -> bool:
        return bool(self.sha256)

    @property
    def grant_target(self) -> None:
        """Uploads are not shared."""
        return None
