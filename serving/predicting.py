"""One answered request: the body read, the model asked, the answer logged and written.

The view over REST and the prediction core go through the same steps: `read`, `require_open`, the quota, an answer by
`serving.runtime.answering`, `logged`, `told`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any
from uuid import uuid4

import orjson
from django.utils.translation import gettext as _

from departments.quotas.services import require_quickly
from rest.problems import Refused, invalid
from serving import prediction_log
from serving.predictors import unreadable
from serving.runtime import answering
from serving.runtime.answering import Answered, Asked, Snapshot
from serving.runtime.faults import InstanceErrors
from serving.snapshots import require_open

MAX_INSTANCES = 10_000
MEMBERS = ("instances", "explain", "interval", "key")
MAX_KEY = 200
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the log keeps it: by which rule, with which token and from where."""

    person: str
    username: str
    token: str | None
    address: str
    rule: str


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


def with_members(asked: dict[str, Any]) -> Asked:
    """A request with what it wants beside its answers. Raises Refused."""
    for name in asked:
        if name not in MEMBERS:
            message = _("unknown member; a request has “instances”, and may have “explain”, “interval” and “key”")
            raise invalid(str(name)[:80], message)
    explain, interval, key = asked.get("explain", False), asked.get("interval"), asked.get("key")
    if not isinstance(explain, bool):
        raise invalid("explain", _("expected true or false"))
    # type(…) tells true, which is an int to Python, from 1.
    if interval is not None and not (type(interval) in (int, float) and 0 < interval < 1):
        raise invalid("interval", _("expected a share of cases to be covered, such as 0.9"))
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


def answer(*, snapshot: Snapshot, body: bytes, caller: Caller, started: int | None = None) -> bytes:
    """Return the JSON answer to a predict request. It is logged before it is returned.

    `started` is when the request arrived, by `perf_counter_ns`. Raises Refused.
    """
    started = started or perf_counter_ns()
    require_open(snapshot)
    asked = read(body)
    require_quickly(snapshot.department, "predictions", len(asked.instances))
    request_id = str(uuid4())
    try:
        answered = answering.answer(snapshot, asked, request_id)
    except InstanceErrors as wrong:
        raise unreadable(wrong) from None
    answers = orjson.Fragment(orjson.dumps(answered.predictions))
    prediction_log.append(
        line(
            snapshot=snapshot, caller=caller, body=body, answered=answered, answers=answers, request_id=request_id,
            started=started,
        )
    )  # fmt: skip
    return told(answered, answers, request_id)


def line(
    *,
    snapshot: Snapshot,
    caller: Caller,
    body: bytes,
    answered: Answered,
    answers: orjson.Fragment,
    request_id: str,
    started: int,
) -> bytes:
    """The log's line of one answered request. `body` is the request as it came, `answers` the predictions as JSON."""
    served = answered.served
    entry = {
        "request_id": request_id,
        "deployment": snapshot.id,
        "model_version": served.id,
        "version": served.number,
        "person": caller.person,
        "username": caller.username,
        "token": caller.token,
        "address": caller.address,
        "rule": caller.rule,
        "at": datetime.now(UTC).isoformat(),
        "microseconds": (perf_counter_ns() - started) // 1000,
        # It is valid JSON by now, where a line break can only stand between values.
        "request": orjson.Fragment(body.translate(_ONE_LINE)),
        "answers": answers,
    }
    return orjson.dumps(entry)


def told(answered: Answered, answers: orjson.Fragment, request_id: str) -> bytes:
    """The body of the answer, as JSON."""
    served = answered.served
    found = {
        "predictions": answers,
        "model_version": served.id,
        "policy_version": served.policy.version if served.policy else None,
        "data_version": served.data_version,
        "request_id": request_id,
    }
    return orjson.dumps({**found, "data_revoked": served.revoked} if served.revoked else found)
