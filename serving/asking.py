"""Reading the body of a predict request."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import orjson
from django.utils.translation import gettext as _

from rest.problems import Refused, invalid
from serving.runtime import oip
from serving.runtime.answering import Asked

MAX_INSTANCES = 10_000
MOST_BYTES = 16 << 20  # of an unpacked body; one that is not packed is held to settings.DATA_UPLOAD_MAX_MEMORY_SIZE
MEMBERS = ("instances", "explain", "interval", "key")
MAX_KEY = 200
USUAL_LEVEL = 0.9  # of intervals and sets, where the request says true


def read(body: bytes) -> Asked:
    """Read a request's body: {"instances": […], "explain"?, "interval"?, "key"?}. Raises Refused."""
    if b"\\u0000" in body:
        raise invalid("instances", _("text may not contain the NUL character (\\u0000)"))
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _unreadable(body, error) from None
    if not isinstance(asked, dict) or not isinstance(asked.get("instances"), list):
        raise invalid("instances", _('send {"instances": [{column: value, …}, …]}'))
    instances = asked["instances"]
    if not 1 <= len(instances) <= MAX_INSTANCES:
        message = _("got %(got)s instances; send 1 to %(most)s in one request")
        raise invalid("instances", message % {"got": len(instances), "most": f"{MAX_INSTANCES:,}"})
    return Asked(instances) if len(asked) == 1 else with_members(asked)


def unpacked(body: bytes, encoding: str) -> bytes:
    """A body without its Content-Encoding: gzip, deflate or none. Raises Refused: 415 for another, 413 for one that
    unfolds to more than MOST_BYTES, 400 for one that is not what it says."""
    try:
        return oip.inflate(body, encoding, MOST_BYTES)
    except oip.Malformed as wrong:
        code = {413: "too_large", 415: "unsupported_encoding"}.get(wrong.status, "parse_error")
        raise Refused(code, str(wrong), status=wrong.status) from None


def with_members(asked: dict[str, Any]) -> Asked:
    """A request with what it wants beside its answers. Raises Refused."""
    for name in asked:
        if name not in MEMBERS:
            message = _("unknown member; a request has “instances”, and may have “explain”, “interval” and “key”")
            raise invalid(str(name)[:80], message)
    explain, interval, key = asked.get("explain", False), asked.get("interval"), asked.get("key")
    if not isinstance(explain, bool):
        raise invalid("explain", _("expected true or false"))
    if isinstance(interval, bool):
        interval = USUAL_LEVEL if interval else None
    if interval is not None and not (isinstance(interval, int | float) and 0 < interval < 1):
        raise invalid("interval", _("expected a share of cases to be covered, such as 0.9, or true for 0.9"))
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= MAX_KEY):
        raise invalid("key", _("expected text of 1 to %s characters") % MAX_KEY)
    return Asked(asked["instances"], explain, None if interval is None else float(interval), key)


def _unreadable(body: bytes, error: orjson.JSONDecodeError) -> Refused:
    """JSON has no NaN or Infinity, but many encoders write them: then the error says where they stand."""
    try:
        asked = json.loads(body) if b"NaN" in body or b"Infinity" in body else None
        paths = list(_not_finite(asked, ""))
    except (ValueError, RecursionError):
        paths = []
    if paths:
        message = _("JSON has no NaN or Infinity; send null where the value is not known")
        errors = [{"field": path, "message": message} for path in paths[:50]]
        return Refused(
            "invalid_instances", _("The request holds numbers that JSON cannot hold."), status=422, errors=errors
        )
    return Refused("parse_error", _("The body is not valid JSON: %s") % error, status=400)


def _not_finite(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield path
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _not_finite(item, f"{path}.{name[:80]}" if path else name[:80])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_finite(item, f"{path}[{index}]")
