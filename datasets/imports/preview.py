"""Asking a child process how a file would be read. The web process itself never parses one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from datasets.ingestion.opening import likely_formats
from jobs import sandbox
from jobs.sandbox import Limits, SandboxFailed

logger = logging.getLogger("atrium.datasets")
ROWS = 50
MOST_ROWS = 500


def preview(path: Path, filename: str, options: dict[str, Any], rows: int = ROWS) -> dict[str, Any]:
    """Return `datasets.imports.sniff.sniff`'s answer; a child that did not answer is an `error` too, whose `code` says why."""
    question = {
        "source": str(path), "filename": filename, "options": options, "rows": rows,
        "workdir": str(Path(settings.HOME) / "tmp"),
    }  # fmt: skip
    limits = Limits(seconds=settings.PREVIEW_SECONDS, cpu_seconds=int(settings.PREVIEW_SECONDS) + 1)
    try:
        return sandbox.ask("datasets.imports.sniff:serve", question, limits)
    except SandboxFailed as failed:
        logger.warning("no preview of %s: %s", path.name, failed)
        return {"error": _no_answer(failed.code), "format": likely_formats(filename)[0].name, "head": []}


def _no_answer(code: str) -> dict[str, str]:
    """What to say when the child was stopped or broke off. The import itself has more time and memory."""
    seconds = round(settings.PREVIEW_SECONDS)
    said = {
        "busy": (_("Too many files are being looked at right now."), _("Refresh the preview in a moment.")),
        "timeout": (
            _("Looking at the first rows took longer than %d seconds.") % seconds,
            _("Choose the format and the encoding yourself, or import without a preview: the import has more time."),
        ),
        "memory": (
            _("Looking at the first rows took more memory than a preview may use."),
            _("Import without a preview: the import has more memory. If that fails too, upload the table as CSV."),
        ),
    }
    detail, hint = said.get(
        code,
        (
            _("The file makes its reader break off."),
            _("Choose another format in the options, or save the table anew as CSV and upload that file."),
        ),
    )
    return {"code": f"preview_{code}", "detail": detail, "hint": hint, "field": ""}


def may_import(answer: dict[str, Any]) -> bool:
    """Whether importing has a chance: the file was understood, or the preview alone had too little time or memory."""
    code = (answer.get("error") or {}).get("code", "")
    return not code or code in ("preview_busy", "preview_timeout", "preview_memory")


def changes(before: list[dict[str, str]], after: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    """What a new version changes in the columns: (kind, column, words), kind being added, gone or type."""
    old, new = ({each["name"]: each["type"] for each in schema} for schema in (before, after))
    gone = [("gone", name, kind) for name, kind in old.items() if name not in new]
    added = [("added", name, kind) for name, kind in new.items() if name not in old]
    both = [name for name in old if name in new and old[name] != new[name]]
    return [*added, *gone, *(("type", name, f"{old[name]} → {new[name]}") for name in both)]
