"""What a department's data sets take up: every stored content once, however many versions name it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Max, Sum

from datasets.models import DatasetVersion, Upload, VersionPart


def of_versions(department_id: UUID) -> int:
    """Bytes of the files that versions were read from, and of the parts of their tables."""
    versions = DatasetVersion.objects.filter(department=department_id).exclude(source_key="").order_by()
    sources = versions.values("source_key").annotate(size=Max("source_bytes")).aggregate(all=Sum("size"))
    named = VersionPart.objects.filter(version__department=department_id).order_by()
    parts = named.values("key").annotate(bytes=Max("size")).aggregate(all=Sum("bytes"))
    return (sources["all"] or 0) + (parts["all"] or 0)


def of_uploads(departments: Collection[UUID]) -> Mapping[UUID, int]:
    """Bytes that uploads in flight will take up: room is kept for all of a file from its beginning."""
    begun = Upload.objects.filter(department__in=departments).order_by()
    return dict(begun.values_list("department_id").annotate(all=Sum("length")))


def weigh_parts() -> int:
    """Look up the sizes of parts that were named before sizes were kept; return how many."""
    keys = VersionPart.objects.filter(size=None).order_by().values_list("key", flat=True).distinct()
    found = [(key, default_storage.size(key)) for key in keys if default_storage.exists(key)]
    for key, size in found:
        VersionPart.objects.filter(key=key).update(size=size)
    return len(found)
