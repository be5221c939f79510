"""What to do about a file whose reading was cut short by a limit or by a crash."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

HINTS: dict[str, Promise] = {
    "out_of_memory": _(
        "The file unpacks to more than it seems. Split it into smaller files, or save the table as CSV, and upload that."
    ),
    "out_of_time": _("Split the file into smaller ones, or save the table as Parquet or CSV, and upload that."),
    "attempts_used_up": _(
        "The file may be damaged. Open it in the program that made it, save it anew or as CSV, and upload that; "
        "or start the import again, if the machine had trouble."
    ),
}


def advised(problem: dict[str, Any]) -> dict[str, Any]:
    """The problem of a job that read a file, with advice about the file rather than about jobs."""
    hint = HINTS.get(problem.get("code", ""))
    return problem if hint is None else problem | {"hint": str(hint)}
