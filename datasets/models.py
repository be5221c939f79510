"""Data sets, their immutable versions, and the recipes that prepare them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from datasets.diffs.models import VersionDiff
from datasets.erasure.models import Erasure, ErasureState
from datasets.querysets import DatasetQuerySet, VersionQuerySet
from datasets.sources.models import ConnectAllowance, Feed, Source
from datasets.uploads.models import Upload
from departments.querysets import ProtectedQuerySet

__all__ = [
    "ConnectAllowance",
    "Dataset",
    "DatasetVersion",
    "Erasure",
    "ErasureState",
    "Feed",
    "Recipe",
    "Source",
    "Upload",
    "VersionDiff",
    "VersionState",
]


class Dataset(models.Model):
    """A named table of one department; its content lives in versions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    is_simulated = models.BooleanField(default=False)
    # In the catalogue: everyone who belongs to a department may discover it.
    listed = models.BooleanField(default=False)
    # Names of the newest ready version's columns, case-folded and one a line: what the catalogue searches.
    column_index = models.TextField(blank=True, default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["department", "name"], name="one_name_per_department")]

    def __str__(self) -> str:
        return self.name

    @property
    def grant_target(self) -> tuple[str, uuid.UUID]:
        return ("dataset", self.pk)

    @property
    def current_columns(self) -> list[str]:
        """The names of the columns of the newest ready version."""
        ready = self.versions.filter(state=VersionState.READY).values_list("schema", flat=True).first()
        return [column["name"] for column in ready or []]


class VersionState(models.TextChoices):
    INGESTING = "ingesting", _("Importing")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class DatasetVersion(models.Model):
    """One immutable content of a data set: hash, schema, profile, source."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    # The data set's, repeated here so that visibility needs no join.
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=VersionState.choices, default=VersionState.INGESTING)
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    source_name = models.CharField(max_length=255)
    source_key = models.CharField(max_length=200)
    source_bytes = models.BigIntegerField(default=0)
    source_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    storage_key = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    rejects_key = models.CharField(max_length=200, blank=True)
    rows = models.BigIntegerField(null=True)
    columns = models.PositiveIntegerField(null=True)
    rejected_rows = models.BigIntegerField(null=True)
    quarantined_cells = models.BigIntegerField(null=True)
    # 0 to 100, of the whole table; stored so that lists need no profile.
    quality = models.PositiveSmallIntegerField(null=True)
    schema = models.JSONField(default=list)
    profile = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    # Where a version that came from a source was read: connector, place, table or query, range of the cursor.
    origin = models.JSONField(default=dict)
    # The version that a recipe prepared this one from; `origin` keeps the steps as they were.
    derived_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="derived")
    derived_by = models.ForeignKey("datasets.Recipe", on_delete=models.SET_NULL, null=True, related_name="derived")
    notes = models.JSONField(default=list)
    error = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="one_version_per_number")]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"

    @property
    def grant_target(self) -> tuple[str, uuid.UUID]:
        return ("dataset", self.dataset_id)

    @property
    def listed(self) -> bool:
        return self.dataset.listed


class VersionPart(models.Model):
    """A stored part of a version's table: equal parts of several versions are stored once."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="parts")
    key = models.CharField(max_length=200, db_index=True)
    # In bytes; unknown of parts that were named before sizes were kept.
    size = models.BigIntegerField(null=True)

    objects = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="a_version_names_a_part_once")]

    def __str__(self) -> str:
        return self.key


class ProjectedTable(models.Model):
    """A version as one grant gives it, written to a file of its own. Empty until it is ready; dropped with the grant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="projected")
    grant = models.ForeignKey("departments.Grant", on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    # The version's own file at that time: erasing a person gives the version another.
    source_key = models.CharField(max_length=200, blank=True)
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    storage_key = models.CharField(max_length=200, blank=True)
    rows = models.BigIntegerField(null=True)
    schema = models.JSONField(default=list)
    profile = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "digest"], name="one_table_per_projection")]

    def __str__(self) -> str:
        return f"{self.version} under {self.digest[:8]}"


class Recipe(models.Model):
    """An ordered preparation, declared as data. Belongs to the department that prepares, which may not own the data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="recipes")
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="recipes")
    name = models.CharField(max_length=120)
    # The version whose columns the steps were written for; a newer one is taken over by a person.
    version = models.PositiveIntegerField(null=True)
    # The column to predict, for the preview of steps that learn from it; a training names its own.
    target = models.CharField(max_length=255, blank=True, default="")
    steps = models.JSONField(default=list)
    # Earlier and undone states of `steps`, newest last, for undo and redo.
    history = models.JSONField(default=list)
    future = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ProtectedQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def grant_target(self) -> None:
        """Recipes are not shared between departments."""
        return None
