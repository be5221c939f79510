"""Access to what a version holds, for pages and API alike: ask, record, then read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from django.utils.translation import gettext as _

from datasets import export, storage, tables
from datasets.ingestion import rejects
from datasets.models import Dataset, DatasetVersion, VersionState
from datasets.rows import BadQuery, Page, read_page
from datasets.services import record_read
from datasets.tables import Described
from departments.access import Actor, Verb, require
from rest.problems import Refused, invalid
from rest.spreadsheets import csv_line

FORMATS = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


def current_version(dataset: Dataset) -> DatasetVersion | None:
    """The newest ready version, or else the newest."""
    versions = list(dataset.versions.defer("profile").select_related("job", "created_by"))
    return next((each for each in versions if each.state == VersionState.READY), versions[0] if versions else None)


def read_profile(*, actor: Actor, version: DatasetVersion) -> Described:
    """The figures of the whole table that the actor gets. They show values, so they need the right to preview."""
    decision = require(actor, Verb.PREVIEW, version)
    ready(version)
    table = tables.described(version, decision, actor=actor)
    record_read(version, decision, "profile")
    return table


def read_rows(
    *,
    actor: Actor,
    version: DatasetVersion,
    offset: int = 0,
    limit: int = 50,
    sort: str = "",
    where: Sequence[str] = (),
) -> Page:
    """A page of rows; see rows.read_page. Raises Refused (422) for what cannot be asked."""
    decision = require(actor, Verb.PREVIEW, version)
    ready(version)
    try:
        with tables.opened(version, decision, actor=actor) as table:
            page = read_page(table.path, table.schema, offset=offset, limit=limit, sort=sort, where=where)
    except BadQuery as error:
        raise invalid(error.field, error.message) from None
    record_read(version, decision, "rows", rows=len(page.rows), offset=offset)
    return page


def download(*, actor: Actor, version: DatasetVersion, kind: str) -> Iterator[bytes]:
    """The table as CSV (safe for spreadsheets) or Parquet, in parts."""
    decision = require(actor, Verb.EXPORT, version)
    if kind not in FORMATS:
        raise invalid("as", _("choose from %s") % ", ".join(FORMATS))
    ready(version)
    table = tables.described(version, decision, actor=actor)
    record_read(version, decision, "download", format=kind, rows=table.rows)
    return _exported(table.key, export.parquet_parts if kind == "parquet" else export.csv_parts)


def _exported(key: str, export_parts: Callable[[Path], Iterator[bytes]]) -> Iterator[bytes]:
    with storage.local(key) as path:
        yield from export_parts(path)


def read_rejects(*, actor: Actor, version: DatasetVersion) -> Iterator[bytes]:
    """What an import set aside as CSV: line, column (of a cell), reason, text. Raw: for readers of the whole table."""
    decision = require(actor, Verb.PREVIEW, version)
    if decision.projection is not None:
        detail = _(
            "Rejected lines are the file's own text. The grant gives a part of the table, so it gives none of them."
        )
        raise Refused("grant-projection", detail, status=403)
    ready(version)
    record_read(version, decision, "rejects", rows=version.rejected_rows)
    if not version.rejects_key:
        return iter((csv_line(rejects.HEADER),))
    return export.rejects_parts(storage.chunks(version.rejects_key))


def first_rejects(*, actor: Actor, version: DatasetVersion, most: int = 50) -> list[dict[str, str]]:
    """The beginning of what `read_rejects` gives, by column."""
    lines = b"".join(islice(read_rejects(actor=actor, version=version), most + 1)).decode()
    return list(csv.DictReader(io.StringIO(lines, newline="")))


def ready(version: DatasetVersion) -> None:
    """Raise Refused unless the version can be read."""
    if version.state == VersionState.INGESTING:
        raise Refused(
            "not_ready", _("This version is still being read. Follow its job, and ask again when it is ready.")
        )
    if version.state == VersionState.FAILED:
        raise Refused("version_failed", _("This version could not be read. Its page says why, to those who own it."))
