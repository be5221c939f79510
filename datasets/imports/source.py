"""What the import page is about: a finished upload, or the file of a version that is to be read again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import reverse

from audit.services import record
from datasets import services, storage
from datasets.ingestion.opening import likely_formats
from datasets.models import Dataset, DatasetVersion, Upload, VersionState
from datasets.uploads import services as upload_services
from datasets.uploads import store as upload_store
from departments.access import Actor


@dataclass(frozen=True, slots=True)
class FromUpload:
    """A file that came in and is nobody's data set yet."""

    actor: Actor
    upload: Upload

    @property
    def filename(self) -> str:
        return self.upload.filename

    @property
    def size(self) -> int:
        return self.upload.length

    @property
    def dataset(self) -> Dataset | None:
        return self.upload.dataset

    @property
    def url(self) -> str:
        return reverse("datasets:import", args=[self.upload.pk])

    @property
    def duplicates(self) -> list[DatasetVersion]:
        return upload_services.duplicates_of(actor=self.actor, sha256=self.upload.sha256)

    @property
    def defaults(self) -> dict[str, Any]:
        """The options of the version before, if this file looks like that one's."""
        before = newest(self.dataset)
        likely = likely_formats(self.filename)[0].name
        if before is None or before.options.get("format") != likely:
            return {}
        return {name: value for name, value in before.options.items() if name != "format"}

    @contextmanager
    def local(self) -> Iterator[Path]:
        record("upload.preview", self.upload)
        yield upload_store.path_of(self.upload.pk)

    def import_now(self, options: dict[str, Any], **named: Any) -> Dataset:
        """Make a data set, or the next version of one."""
        if self.dataset is None:
            return upload_services.import_upload(actor=self.actor, upload=self.upload, options=options, **named)
        upload_services.import_upload_as_version(
            actor=self.actor, upload=self.upload, dataset=self.dataset, options=options
        )
        return self.dataset


@dataclass(frozen=True, slots=True)
class FromVersion:
    """The original file of a version."""

    actor: Actor
    version: DatasetVersion

    upload = None
    duplicates: tuple[DatasetVersion, ...] = ()

    @property
    def filename(self) -> str:
        return self.version.source_name

    @property
    def size(self) -> int:
        return self.version.source_bytes

    @property
    def dataset(self) -> Dataset:
        return self.version.dataset

    @property
    def url(self) -> str:
        return reverse("datasets:import-again", args=[self.version.dataset_id, self.version.number])

    @property
    def defaults(self) -> dict[str, Any]:
        return dict(self.version.options)

    @contextmanager
    def local(self) -> Iterator[Path]:
        record("dataset.read_source", self.dataset, version=self.version.number)
        with storage.local(self.version.source_key) as path:
            yield path

    def import_now(self, options: dict[str, Any], **named: Any) -> Dataset:
        services.import_again(actor=self.actor, version=self.version, options=options)
        return self.dataset


Source = FromUpload | FromVersion


def newest(dataset: Dataset | None) -> DatasetVersion | None:
    """The newest version that was read, against which the next one is compared."""
    return dataset.versions.filter(state=VersionState.READY).defer("profile").first() if dataset else None
