"""ETag and If-Match: an edit made over a stale copy is refused with 412."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from rest.problems import Refused


def etag_of(data: Any) -> str:
    """Return the strong ETag of a representation."""
    return '"' + hashlib.sha256(orjson.dumps(data, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32] + '"'


class EtagMixin:
    """For view sets: single objects carry an ETag; PATCH, PUT and DELETE honour If-Match."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        data = getattr(response, "data", None)
        if isinstance(data, dict) and "id" in data and 200 <= response.status_code < 300:
            response["ETag"] = etag_of(data)
        return response

    def check_if_match(self, request: Request, representation: Any) -> None:
        """Raise 412 when If-Match names another state than the present one."""
        wanted = request.headers.get("If-Match")
        if wanted and wanted.strip() != "*" and etag_of(representation) not in [w.strip() for w in wanted.split(",")]:
            detail = (
                "The object changed since you read it. Read it again, apply your change to the new state, and retry."
            )
            raise Refused("stale", detail, status=412)
