"""What people do with data sets: typed verbs, one transaction each, recorded."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets import storage, tables
from datasets.ingestion.failures import advised
from datasets.ingestion.ingest import IngestReport
from datasets.ingestion.opening import check_options
from datasets.models import Dataset, DatasetVersion, ProjectedTable, VersionPart, VersionState
from datasets.parts import Manifest
from datasets.scoring import score
from departments.access import Actor, Decision, Verb, require, require_in
from departments.models import Department
from departments.quotas import services as quotas
from departments.quotas.stored import remeasure
from departments.services import drop_grants_on
from jobs.models import Job
from jobs.services import enqueue
from plugins.params import ParamError
from rest.problems import Refused, invalid

MAX_NAME = 120


def create_dataset(
    *,
    actor: Actor,
    department: Department,
    name: str,
    file: File,
    filename: str = "",
    options: dict[str, Any] | None = None,
    description: str = "",
    is_simulated: bool = False,
) -> Dataset:
    """Make a data set from an uploaded file; a job reads it into version 1.

    Raises Refused when the role, the name, the options or the file's size do not allow it.
    """
    require_in(actor, Verb.CREATE, department)
    quotas.require(department, "storage", file.size or 0)
    quotas.require(department, "cpu")
    filename = label(filename or file.name or "")
    name = _checked_name(name or PurePath(filename).stem)
    options = _checked_file(file, filename, options)
    return create_from_source(
        actor=actor, department=department, name=name, source=storage.keep(file, "sources"), filename=filename,
        options=options, description=description, is_simulated=is_simulated,
    )  # fmt: skip


@transaction.atomic
def create_from_source(
    *,
    actor: Actor,
    department: Department,
    name: str,
    source: storage.Stored,
    filename: str,
    options: dict[str, Any] | None = None,
    description: str = "",
    is_simulated: bool = False,
) -> Dataset:
    """Make a data set from a file that is stored already; see `create_dataset`."""
    require_in(actor, Verb.CREATE, department)
    quotas.require(department, "cpu")
    name = _checked_name(name or PurePath(filename).stem)
    options = checked_options(options or {}, filename)
    dataset = insert_dataset(
        department=department, name=name, description=description.strip(), is_simulated=is_simulated,
        created_by_id=actor.person_id,
    )  # fmt: skip
    record("dataset.create", dataset, details={"source_sha256": source.sha256})
    _begin_version(actor, dataset, filename, source, options)
    return dataset


def insert_dataset(**values: Any) -> Dataset:
    """Make the row of a data set; Refused where the department has one of this name."""
    values["name"] = _checked_name(values["name"])
    try:
        with transaction.atomic():
            return Dataset.objects.create(**values)
    except IntegrityError:
        detail = _(
            "The department has a data set called “%s” already. Choose another name, or add a version to that one."
        )
        field = {"field": "name", "message": _("this name is taken")}
        raise Refused("name_taken", detail % values["name"], errors=[field]) from None


def add_version(
    *, actor: Actor, dataset: Dataset, file: File, filename: str = "", options: dict[str, Any] | None = None
) -> DatasetVersion:
    """Read another file into the next version of a data set."""
    require(actor, Verb.EDIT, dataset)
    quotas.require(dataset.department, "storage", file.size or 0)
    filename = label(filename or file.name or "")
    options = _checked_file(file, filename, options)
    source = storage.keep(file, "sources")
    return add_version_from_source(actor=actor, dataset=dataset, source=source, filename=filename, options=options)


@transaction.atomic
def add_version_from_source(
    *, actor: Actor, dataset: Dataset, source: storage.Stored, filename: str, options: dict[str, Any] | None = None
) -> DatasetVersion:
    """Read a file that is stored already into the next version of a data set."""
    require(actor, Verb.EDIT, dataset)
    quotas.require(dataset.department, "cpu")
    return _begin_version(actor, dataset, filename, source, checked_options(options or {}, filename))


@transaction.atomic
def import_again(*, actor: Actor, version: DatasetVersion, options: dict[str, Any]) -> DatasetVersion:
    """Read a version's original file once more, with other options, into the next version."""
    require(actor, Verb.EDIT, version.dataset)
    quotas.require(version.dataset.department, "cpu")
    quotas.require(version.dataset.department, "storage")
    source = source_of(version)
    options = checked_options(options, version.source_name)
    return _begin_version(actor, version.dataset, version.source_name, source, options)


def source_of(version: DatasetVersion) -> storage.Stored:
    """The file that a version was read from; Refused where it was erased."""
    if not version.source_key:
        detail = _("The file of version %s was deleted when a person was erased from it. Upload a file instead.")
        raise Refused("source_erased", detail % version.number)
    return storage.Stored(version.source_key, version.source_sha256, version.source_bytes)


def _begin_version(
    actor: Actor, dataset: Dataset, filename: str, source: storage.Stored, options: dict[str, Any]
) -> DatasetVersion:
    """Add the next version and queue the job that reads its file."""
    version = DatasetVersion.objects.create(
        dataset=dataset, department_id=dataset.department_id, number=next_number(dataset), source_name=filename,
        source_key=source.key,
        source_bytes=source.size, source_sha256=source.sha256, options=options, created_by_id=actor.person_id,
    )  # fmt: skip
    record("dataset.add_version", dataset, version=version.number, details={"source_sha256": source.sha256})
    payload = {"version": str(version.pk)}
    version.job = enqueue("datasets.ingest", actor=actor, department=dataset.department, payload=payload, about=dataset)
    version.save(update_fields=["job"])
    dataset.save(update_fields=["updated_at"])
    remeasure(dataset.department_id)
    return version


def next_number(dataset: Dataset) -> int:
    """The next version's number, held until the transaction ends."""
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    last: int = dataset.versions.aggregate(last=models.Max("number"))["last"] or 0
    return last + 1


def complete_version(
    *, version: DatasetVersion, report: IngestReport, profile: dict[str, Any], key: str, rejects_key: str
) -> None:
    """Make a version ready: what was read, what it holds, where it is. Called inside the job's effect."""
    version.state = VersionState.READY
    version.rows, version.columns, version.rejected_rows = report.rows, report.columns, report.rejected_rows
    version.quarantined_cells = report.quarantined_cells
    version.schema, version.profile = report.schema.to_json(), profile
    version.quality = score(profile, report.rejected_rows, report.quarantined_cells).value
    version.options, version.notes = report.options, report.notes
    version.storage_key, version.rejects_key, version.sha256 = key, rejects_key, report.manifest.sha256
    version.error = None
    version.save()
    name_parts(version, report.manifest)
    names = "\n".join(column["name"].casefold() for column in version.schema)
    Dataset.objects.filter(pk=version.dataset_id).update(updated_at=timezone.now(), column_index=names)
    details = {
        "rows": report.rows, "rejected_rows": report.rejected_rows, "quarantined_cells": report.quarantined_cells,
    }  # fmt: skip
    record("dataset.version_ready", version.dataset, version=version.number, details=details)


def name_parts(version: DatasetVersion, manifest: Manifest) -> None:
    """Write down which stored parts make up a version's table, so that they stay as long as it does."""
    version.parts.all().delete()
    sizes = dict(
        zip(storage.part_keys(manifest), {part.sha256: part.size for part in manifest.parts}.values(), strict=True)
    )
    VersionPart.objects.bulk_create(VersionPart(version=version, key=key, size=size) for key, size in sizes.items())
    remeasure(version.department_id)


def fail_version(*, version: DatasetVersion, job: Job) -> None:
    """Say why a version could not be read. Its file stays, to be read again with other options."""
    problem = advised(job.error or {"code": job.state, "detail": _("The import was cancelled."), "hint": ""})
    version.state, version.error = VersionState.FAILED, problem
    version.save(update_fields=["state", "error"])
    details = {"code": problem.get("code", "")}
    record("dataset.version_failed", version.dataset, version=version.number, details=details)


@transaction.atomic
def update_dataset(
    *, actor: Actor, dataset: Dataset, name: str | None = None, description: str | None = None
) -> Dataset:
    """Rename a data set or describe it anew."""
    require(actor, Verb.EDIT, dataset)
    if name is not None:
        dataset.name = _checked_name(name)
    if description is not None:
        dataset.description = description.strip()
    try:
        with transaction.atomic():
            dataset.save()
    except IntegrityError:
        detail = _("The department has another data set called “%s”.") % dataset.name
        raise Refused("name_taken", detail, errors=[{"field": "name", "message": _("this name is taken")}]) from None
    record("dataset.update", dataset)
    return dataset


@transaction.atomic
def list_dataset(*, actor: Actor, dataset: Dataset, listed: bool) -> Dataset:
    """Put a data set into the catalogue, where everyone who belongs to a department may discover it, or take it out."""
    require(actor, Verb.MANAGE, dataset)
    if dataset.listed != listed:
        dataset.listed = listed
        dataset.save(update_fields=["listed", "updated_at"])
        record("dataset.list" if listed else "dataset.unlist", dataset)
    return dataset


def delete_dataset(*, actor: Actor, dataset: Dataset) -> None:
    """Delete a data set with its versions, recipes and grants; refused while a run or a model was made from it."""
    require(actor, Verb.MANAGE, dataset)
    with transaction.atomic():
        keys = {key for version in dataset.versions.prefetch_related("parts") for key in stored_keys(version)}
        tables.forget(ProjectedTable.objects.filter(version__dataset=dataset))
        record("dataset.delete", dataset, details={"versions": dataset.versions.count()})
        drop_grants_on("dataset", dataset.pk)
        try:
            dataset.delete()
        except models.ProtectedError:
            detail = _("Runs or studies were made from this data set, so it stays. “Used by” names them.")
            raise Refused("in_use", detail) from None
        remeasure(dataset.department_id)
        transaction.on_commit(lambda: storage.discard(unused_keys(keys)))


def stored_keys(version: DatasetVersion) -> list[str]:
    """Everything in the storage that a version names."""
    parts = [part.key for part in version.parts.all()]
    return [version.source_key, version.storage_key, version.rejects_key, *parts]


def unused_keys(keys: set[str]) -> set[str]:
    """Equal content is stored once: keep what another version still names."""
    for field in ("source_key", "storage_key", "rejects_key", "parts__key"):
        keys = keys - set(DatasetVersion.objects.filter(**{f"{field}__in": keys}).values_list(field, flat=True))
    return keys


def record_read(version: DatasetVersion, decision: Decision, what: str, **details: Any) -> None:
    """Record that somebody read rows, or figures made of them: which version, under which rule."""
    record(
        f"dataset.{what}", version.dataset, department_id=version.department_id, rule=decision.rule,
        version=version.number, details=details,
    )  # fmt: skip


def label(filename: str) -> str:
    """A file's name without folders and control characters, for people to read."""
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in last if sign.isprintable())[:255]


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise invalid("name", _("a data set needs a name of 1 to %d characters") % MAX_NAME)
    return name


def _checked_file(file: File, filename: str, options: dict[str, Any] | None) -> dict[str, Any]:
    if not file.size:
        raise empty_file()
    check_size(file.size)
    return checked_options(options or {}, filename)


def empty_file() -> Refused:
    """The refusal of a file without a byte."""
    message = _("the file is empty; choose one that has a header line and at least one row")
    return invalid("file", message, code="empty_file")


def check_size(size: int) -> None:
    """Raise 413 for a file that is larger than the platform takes."""
    if size > settings.UPLOAD_MAX_BYTES:
        limit = settings.UPLOAD_MAX_BYTES // 10**6
        raise Refused(
            "too_large", _("The file is larger than %d MB, the most that can be uploaded.") % limit, status=413
        )


def checked_options(options: dict[str, Any], filename: str) -> dict[str, Any]:
    """Return the reading options if they fit; raise 422 that names the one that does not."""
    if not isinstance(options, dict):
        raise invalid("options", _("expected an object"))
    try:
        check_options(options, filename)
    except ParamError as error:
        raise invalid(f"options.{error.field}", error.message) from None
    return options
