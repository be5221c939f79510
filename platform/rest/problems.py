"""Refusals: the one exception that services raise, and the one shape in which it leaves (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext as _

CONTENT_TYPE = "application/problem+json"


class Refused(Exception):
    """A request that is understood and not granted.

    `code` is stable and machine-readable, `detail` says what was wrong and what to do, `errors` holds
    {"field", "message"} entries. Services raise it; the API answers with problem+json, pages with a message.
    `retry_after` is set where waiting so many seconds helps, as while a job prepares the answer.
    """

    retry_after: int | None = None

    def __init__(
        self, code: str, detail: str, *, status: int = 409, title: str = "", errors: Iterable[Mapping[str, str]] = ()
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.title = title or HTTPStatus(status).phrase
        self.errors = [dict(error) for error in errors]

    def as_problem(self) -> dict[str, Any]:
        """Return the RFC 9457 members."""
        return problem(self.status, self.code, self.detail, title=self.title, errors=self.errors)


def invalid(field: str, message: str, *, code: str = "invalid") -> Refused:
    """Return the 422 refusal of one field."""
    detail = _("The request has a value that cannot be used: %(field)s.") % {"field": field}
    return Refused(code, detail, status=422, errors=[{"field": field, "message": str(message)}])


def problem(
    status: int, code: str, detail: str, *, title: str = "", errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Return a problem document with the members that every error of this API has."""
    return {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": str(detail),
        "errors": errors or [],
    }


def flatten(detail: Any, path: str = "") -> list[dict[str, str]]:
    """Turn a serializer's nested errors into {"field", "message"} entries with a path such as `steps[2].columns`."""
    if isinstance(detail, Mapping):
        return [e for key, value in detail.items() for e in flatten(value, _join(path, key))]
    if isinstance(detail, list | tuple):
        if all(isinstance(item, str) for item in detail):
            return [{"field": path, "message": str(item)} for item in detail]
        return [e for i, item in enumerate(detail) if item for e in flatten(item, f"{path}[{i}]")]
    return [{"field": path, "message": str(detail)}]


def _join(path: str, key: str | int) -> str:
    if key == "non_field_errors":
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key
