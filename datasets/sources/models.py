"""Outside systems that a department reads from, and the data sets that are kept up from them."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from datasets.connectors import CONNECTORS
from datasets.sources.querysets import SourceQuerySet


class Source(models.Model):
    """A named connection of one department. Its secrets are sealed, and replaced but never shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=120)
    connector = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    # One sealed JSON object: parameter name → secret (rest/secrets.py).
    sealed = models.TextField(blank=True)
    file_key = models.CharField(max_length=200, blank=True)
    file_name = models.CharField(max_length=255, blank=True)
    # What the last check said: {"ok", "detail", "hint", "code"}; None before the first.
    checked = models.JSONField(null=True)
    checked_at = models.DateTimeField(null=True)
    # What can be read there, as discover() found it.
    tables = models.JSONField(default=list)
    discovered_at = models.DateTimeField(null=True)
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["department", "name"], name="one_source_name_per_department")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("datasets:source", args=[self.pk])

    @property
    def grant_target(self) -> None:
        """Sources are not shared between departments; the data sets that come from them are."""
        return None

    @property
    def declared(self) -> Any:
        return CONNECTORS[self.connector]

    @property
    def place(self) -> str:
        """Where it is, in one line: "db.example.com:5432/sales"."""
        return str(self.declared.place({**self.params, "file": self.file_name}))


class Every(models.TextChoices):
    NEVER = "never", _("only when asked")
    INTERVAL = "interval", _("every so many minutes")
    DAY = "day", _("every day")
    WEEK = "week", _("every week")


class Mode(models.TextChoices):
    FULL = "full", _("the whole table")
    CHANGES = "changes", _("only what changed")


class Deletes(models.TextChoices):
    KEEP = "keep", _("keep rows that are deleted there")
    REMOVE = "remove", _("remove rows that are deleted there")


class Feed(models.Model):
    """How one data set is kept up from a source: what is read, whole or changes only, and when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.OneToOneField("datasets.Dataset", on_delete=models.CASCADE, related_name="feed")
    # The data set's, repeated here so that visibility needs no join.
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="feeds")
    table = models.CharField(max_length=1024, blank=True)
    query = models.TextField(blank=True)
    columns = models.JSONField(default=list)
    # How the file is read (datasets.ingestion.ingest), for connectors of files.
    options = models.JSONField(default=dict)

    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.FULL)
    cursor = models.CharField(max_length=255, blank=True)
    keys = models.JSONField(default=list)
    # How far before the newest value the next read begins: seconds, days or numbers, as the column has it.
    overlap = models.FloatField(default=0)
    deletes = models.CharField(max_length=10, choices=Deletes.choices, default=Deletes.KEEP)
    # The largest value of the cursor column that was read.
    newest = models.TextField(blank=True)

    every = models.CharField(max_length=10, choices=Every.choices, default=Every.NEVER)
    minutes = models.PositiveIntegerField(default=60)
    at = models.TimeField(null=True)
    weekday = models.PositiveSmallIntegerField(default=0)
    is_paused = models.BooleanField(default=False)
    next_at = models.DateTimeField(null=True, db_index=True)

    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    last_at = models.DateTimeField(null=True)
    # How the last refresh ended: "updated", "unchanged", "failed"; "" before the first.
    last_outcome = models.CharField(max_length=10, blank=True)
    last_error = models.JSONField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.dataset} from {self.source}"

    @property
    def grant_target(self) -> None:
        return None

    @property
    def selection(self) -> str:
        """What is read, in a few words."""
        return self.table or " ".join(self.query.split())[:80]


class ConnectAllowance(models.Model):
    """A host or network that is not public, and that sources may reach all the same."""

    entry = models.CharField(max_length=255, unique=True)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["entry"]

    def __str__(self) -> str:
        return self.entry
