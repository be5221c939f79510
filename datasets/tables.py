"""The table that a reader gets of a version: everything that reads rows, figures or columns opens it here.

Members of the owning department get the version itself. Whoever reads by a grant with columns, masks or row conditions
gets a file that was written for that grant: small tables at once, large ones by a job that the reader waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from datasets import storage
from datasets.granting import masking
from datasets.models import DatasetVersion, ProjectedTable
from datasets.schema import Schema
from departments.access import Actor, Decision, Verb, decide, grants_for
from departments.models import Grant
from departments.projection import Projection
from departments.services import mask_key
from jobs.models import Job, JobState
from jobs.services import enqueue
from rest.problems import Refused

AT_ONCE = 2_000_000  # cells that are written and profiled within a request: about a second
LIVE = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of the table that a reader gets."""

    version: DatasetVersion
    schema: Schema
    profile: dict[str, Any]
    rows: int
    key: str


@dataclass(frozen=True, slots=True)
class Table:
    """The table itself, as a file for the length of `opened`."""

    path: Path
    schema: Schema
    profile: dict[str, Any]
    rows: int


class BeingPrepared(Refused):
    """The reader's table is being written by a job."""

    retry_after = 2

    def __init__(self, job: Job) -> None:
        detail = _("What was granted to you is being prepared by a job. Ask again in a moment.")
        super().__init__("being_prepared", detail)
        self.job = job


@contextmanager
def opened(version: DatasetVersion, decision: Decision, *, actor: Actor | None = None) -> Iterator[Table]:
    """Within the block, the table that the decision gives of a ready version.

    With an actor a large table that is not there yet is left to a job (BeingPrepared); without one, as in a job, it is
    written here and now.
    """
    found = described(version, decision, actor=actor)
    with storage.local(found.key) as path:
        yield Table(path, found.schema, found.profile, found.rows)


def described(version: DatasetVersion, decision: Decision, *, actor: Actor | None = None) -> Described:
    """Columns, figures and number of rows of the table that the decision gives; see `opened`."""
    if decision.projection is None:
        schema = Schema.from_json(version.schema)
        return Described(version, schema, version.profile, version.rows or 0, version.storage_key)
    made = _made(version, decision.projection, actor)
    return Described(version, Schema.from_json(made.schema), made.profile, made.rows or 0, made.storage_key)


def _made(version: DatasetVersion, projection: Projection, actor: Actor | None) -> ProjectedTable:
    found = ProjectedTable.objects.filter(version=version, digest=projection.digest).select_related("job").first()
    if found is not None and found.storage_key and found.source_key == version.storage_key:
        return found
    if actor is not None and (version.rows or 0) * len(version.schema) > AT_ONCE:
        raise BeingPrepared(_job(version, projection, actor, found))
    return prepare(version, projection)


def prepare(version: DatasetVersion, projection: Projection) -> ProjectedTable:
    """Write the table of a projection, and its profile, unless they are there."""
    from datasets.profile import profile

    schema = Schema.from_json(version.schema)
    given = masking.schema_under(schema, projection)
    if not len(given):
        raise _unfit(version)
    key = mask_key(projection.grant)
    with TemporaryDirectory() as folder, storage.local(version.storage_key) as source:
        target = Path(folder) / "rows.parquet"
        try:
            rows = masking.materialise(source, target, schema, projection, key)
        except masking.UnfitTerms:
            raise _unfit(version) from None
        figures, kept = profile(target, given), storage.keep_path(target, "views")
    values = {
        "grant_id": projection.grant, "source_key": version.storage_key, "storage_key": kept.key, "rows": rows,
        "schema": given.to_json(), "profile": figures,
    }  # fmt: skip
    found, _new = ProjectedTable.objects.update_or_create(version=version, digest=projection.digest, defaults=values)
    return found


def _unfit(version: DatasetVersion) -> Refused:
    detail = _("The grant does not fit version %(number)s of this data set any more. Ask its owner to renew it.")
    return Refused("grant_unfit", detail % {"number": version.number}, status=403)


@transaction.atomic
def _job(version: DatasetVersion, projection: Projection, actor: Actor, found: ProjectedTable | None) -> Job:
    """The job that writes the table; one at a time."""
    if found is not None and found.job is not None and found.job.state in LIVE:
        return found.job
    if found is not None and found.job is not None and found.job.state == JobState.FAILED:
        raise Refused("not_prepared", _("What was granted could not be prepared. Its job says why."))
    grant = Grant.objects.select_related("department", "owner").get(pk=projection.grant)
    home = grant.owner if actor.through else grant.department
    payload = {"version": str(version.pk), "grant": str(grant.pk)}
    job = enqueue("datasets.project", actor=actor, department=home, payload=payload, about=version.dataset)
    defaults = {"grant": grant, "job": job}
    ProjectedTable.objects.update_or_create(version=version, digest=projection.digest, defaults=defaults)
    return job


def seen(version: DatasetVersion, actor: Actor, *, grants: list[Grant] | None = None) -> DatasetVersion:
    """What the actor may know of a version, for pages and API to show.

    Whoever may read the whole table gets the version itself. Everybody else gets a bare one: the columns that were
    given, and of the rest nothing that could hold a value (file name, options, notes, errors, hashes, rejects). It is
    never saved.
    """
    reads = decide(actor, Verb.PREVIEW, version, grants=grants)
    if reads.allowed and reads.projection is None:
        return version
    knows = decide(actor, Verb.DISCOVER, version, grants=grants)
    return _bare(version, knows.projection)


def seen_counted(version: DatasetVersion, actor: Actor) -> DatasetVersion:
    """As `seen`, with the number of rows that the actor gets where their table has been written already."""
    shown = seen(version, actor)
    if shown.rows is None and (reads := decide(actor, Verb.PREVIEW, version)).projection is not None:
        written = ProjectedTable.objects.filter(version=version, digest=reads.projection.digest)
        shown.rows = written.values_list("rows", flat=True).first()
    return shown


def limit_counts(actor: Actor, datasets: Iterable[Any]) -> None:
    """In a list that carries `ready_rows` and `ready_columns`: the counts of what was given, not of the whole."""
    listed = list(datasets)
    grants = grants_for(actor, listed)
    for each in listed:
        projection = decide(actor, Verb.DISCOVER, each, grants=grants.get(each.pk, [])).projection
        if projection is not None:
            names = projection.columns
            given = (each.ready_columns or 0) if names is None else len(names)
            each.ready_columns = given - len(projection.hidden)
            each.ready_rows = None if projection.rows else each.ready_rows


def _bare(version: DatasetVersion, projection: Projection | None) -> DatasetVersion:
    schema = masking.schema_under(Schema.from_json(version.schema), projection)
    counted = projection is None or not projection.rows
    bare = DatasetVersion(
        id=version.pk, number=version.number, state=version.state, created_at=version.created_at,
        department_id=version.department_id, schema=schema.to_json(), columns=len(schema),
        quality=version.quality, rows=version.rows if counted else None, error=_bare_error(version.error),
    )  # fmt: skip
    bare.dataset, bare.created_by, bare.job = version.dataset, version.created_by, version.job
    return bare


def _bare_error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """A reader's errors quote the file."""
    if error is None:
        return None
    return {"code": error.get("code", ""), "detail": _("The file could not be read."), "hint": "", "errors": []}


def forget(tables: Iterable[ProjectedTable]) -> None:
    """Delete tables that were written for grants, and their files where no other table is equal."""
    rows = list(tables)
    keys = {row.storage_key for row in rows if row.storage_key}
    ProjectedTable.objects.filter(pk__in=[row.pk for row in rows]).delete()
    used = set(ProjectedTable.objects.filter(storage_key__in=keys).values_list("storage_key", flat=True))
    transaction.on_commit(lambda: storage.discard(keys - used))


def forget_outdated(grant_id: UUID) -> None:
    """Delete what was written for a grant that ended, or for terms that it no longer has."""
    grant = Grant.objects.live().filter(pk=grant_id).first()
    projection = Projection.of(grant) if grant else None
    tables = ProjectedTable.objects.filter(grant_id=grant_id)
    forget(tables.exclude(digest=projection.digest) if projection else tables)
