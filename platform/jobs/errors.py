"""How a job's own code leaves early, and what the runner makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest.problems import problem


class JobFailed(Exception):
    """The job cannot succeed, however often it is tried: it fails now, and its person reads why.

    `detail` says what was wrong, `hint` what to do about it, `errors` holds {"field", "message"} entries.
    """

    def __init__(self, code: str, detail: str, hint: str = "", errors: Iterable[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.errors = [dict(error) for error in errors]

    def as_problem(self) -> dict[str, Any]:
        """Return the problem document that becomes `Job.error`; `hint` is an extension member."""
        return problem(422, self.code, self.detail, errors=self.errors) | {"hint": str(self.hint)}


class Cancelled(Exception):
    """The job's code saw the signal "cancel" and left. Nothing of it stays but the log."""


class Paused(Exception):
    """The job's code saw the signal "pause", saved its state in the work folder and left."""


class Fenced(Exception):
    """This attempt is no longer the job's: another has taken over, or the job has ended. Its write was refused."""
