"""Access to what a version holds, for pages and API alike: ask, record, then read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from datasets import export, storage
from datasets.models import Dataset, DatasetVersion, VersionState
from datasets.rows import BadQuery, Page, read_page
from datasets.schema import Schema
from datasets.services import record_read
from departments.access import Actor, Verb, require
from rest.problems import Refused, invalid

FORMATS = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


def current_version(dataset: Dataset) -> DatasetVersion | None:
    """The newest ready version, or else the newest."""
    versions = list(dataset.versions.defer("profile").select_related("job", "created_by"))
    return next((each for each in versions if each.state == VersionState.READY), versions[0] if versions else None)


def read_profile(*, actor: Actor, version: DatasetVersion) -> dict[str, Any]:
    """The whole table's figures. They show values, so they need the right to preview."""
    decision = require(actor, Verb.PREVIEW, version)
    _ready(version)
    record_read(version, decision, "profile")
    return dict(version.profile)


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
    _ready(version)
    try:
        with storage.local(version.storage_key) as path:
            schema = Schema.from_json(version.schema)
            page = read_page(path, schema, offset=offset, limit=limit, sort=sort, where=where)
    except BadQuery as error:
        raise invalid(error.field, error.message) from None
    record_read(version, decision, "rows", rows=len(page.rows), offset=offset)
    return page


def download(*, actor: Actor, version: DatasetVersion, kind: str) -> Iterator[bytes]:
    """The table as CSV (safe for spreadsheets) or Parquet, in parts."""
    decision = require(actor, Verb.PREVIEW, version)
    if kind not in FORMATS:
        raise invalid("as", _("choose from %s") % ", ".join(FORMATS))
    _ready(version)
    record_read(version, decision, "download", format=kind, rows=version.rows)
    return _exported(version.storage_key, export.parquet_parts if kind == "parquet" else export.csv_parts)


def _exported(key: str, export_parts: Callable[[Path], Iterator[bytes]]) -> Iterator[bytes]:
    with storage.local(key) as path:
        yield from export_parts(path)


def read_rejects(*, actor: Actor, version: DatasetVersion) -> Iterator[bytes]:
    """The rejected lines as CSV: line, reason, text."""
    decision = require(actor, Verb.PREVIEW, version)
    _ready(version)
    record_read(version, decision, "rejects", rows=version.rejected_rows)
    if not version.rejects_key:
        return iter((b"line,reason,text\n",))
    return export.rejects_parts(storage.chunks(version.rejects_key))


def _ready(version: DatasetVersion) -> None:
    if version.state == VersionState.INGESTING:
        raise Refused(
            "not_ready", _("This version is still being read. Follow its job, and ask again when it is ready.")
        )
    if version.state == VersionState.FAILED:
        detail = (version.error or {}).get("detail", "")
        raise Refused("version_failed", _("This version could not be read: %s") % detail)
