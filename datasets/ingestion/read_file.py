"""Within a job: a file becomes a table, is profiled, and is kept. Uploads and refreshes end here alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import storage
from datasets.errors import UnreadableFile
from datasets.ingestion.ingest import IngestReport
from jobs.context import JobContext
from jobs.errors import JobFailed


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What services.complete_version takes, and the job's result."""

    report: IngestReport
    profile: dict[str, Any]
    key: str
    rejects_key: str

    @property
    def result(self) -> dict[str, Any]:
        report = self.report
        return {
            "rows": report.rows, "columns": report.columns, "rejected_rows": report.rejected_rows,
            "quarantined_cells": report.quarantined_cells,
        }  # fmt: skip


@contextmanager
def read_file(
    ctx: JobContext, source: Path, *, filename: str, options: dict[str, Any], progress: Callable[[float, str], None]
) -> Iterator[ReadFile]:
    """Read `source`; within the block, what came of it is stored and waits to be named by a version."""
    from datasets.ingestion.ingest import ingest
    from datasets.profile import profile

    target, rejects = ctx.workdir / "rows", ctx.workdir / "rejects.csv"
    try:
        report = ingest(source, target, rejects, filename=filename, options=options, progress=progress)
    except UnreadableFile as error:
        raise JobFailed(error.code, error.detail, error.hint) from None
    for note in report.notes[:50]:
        ctx.log(note)
    ctx.progress(0.96, "Profile of all rows")
    figures = profile(target, report.schema)
    key = storage.keep_table(target, report.manifest)
    rejects_key = storage.keep_path(rejects, "rejects").key if report.sets_aside else ""
    yield ReadFile(report, figures, key, rejects_key)
    # A data set with equal parts may have been deleted, with its parts, before this version was seen to name them.
    storage.keep_table(target, report.manifest)
