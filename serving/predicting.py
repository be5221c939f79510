"""One answered request: the body read, the model asked, the answer logged and written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.utils.translation import gettext as _

from departments.access import Actor
from departments.quotas.services import require_quickly
from rest.problems import Refused, invalid
from serving import prediction_log
from serving.models import Deployment, DeploymentState
from serving.predictors import predict
from training.revoked import data_revoked

MAX_INSTANCES = 10_000
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def instances_of(body: bytes) -> list[Any]:
    """Read {"instances": […]} from a request's body. Raises Refused."""
    if b"\\u0000" in body:
        raise invalid("instances", _("text may not contain the NUL character (\\u0000)"))
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _unreadable(body, error) from None
    if not isinstance(asked, dict) or not isinstance(asked.get("instances"), list):
        raise invalid("instances", _('send {"instances": [{column: value, …}, …]}'))
    for name in asked:
        if name != "instances":
            raise invalid(str(name)[:80], _("unknown member; a request has “instances”"))
    if not 1 <= len(asked["instances"]) <= MAX_INSTANCES:
        message = _("got %(got)s instances; send 1 to %(most)s in one request")
        raise invalid("instances", message % {"got": len(asked["instances"]), "most": f"{MAX_INSTANCES:,}"})
    return asked["instances"]  # type: ignore[no-any-return]


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


def answer(
    *,
    deployment: Deployment,
    body: bytes,
    actor: Actor,
    rule: str,
    token_id: UUID | None = None,
    address: str = "",
    started: int | None = None,
) -> bytes:
    """Return the JSON answer to a predict request. It is logged before it is returned.

    `started` is when the request arrived, by `perf_counter_ns`. Raises Refused.
    """
    started = started or perf_counter_ns()
    if deployment.state == DeploymentState.PAUSED:
        detail = _("“%s” is paused and answers nothing. An engineer of its department can resume it.")
        raise Refused("paused", detail % deployment.name, status=409)
    version = deployment.model_version
    instances = instances_of(body)
    require_quickly(deployment.department_id, "predictions", len(instances))
    answers = orjson.Fragment(orjson.dumps(predict(version, instances)))
    request_id = str(uuid4())
    entry = {
        "request_id": request_id,
        "deployment": str(deployment.pk),
        "model_version": str(version.pk),
        "version": version.number,
        "person": str(actor.person_id),
        "username": actor.username,
        "token": str(token_id) if token_id else None,
        "address": address,
        "rule": rule,
        "at": datetime.now(UTC).isoformat(),
        "microseconds": (perf_counter_ns() - started) // 1000,
        # The body as it came: it is valid JSON by now, where a line break can only stand between values.
        "request": orjson.Fragment(body.translate(_ONE_LINE)),
        "answers": answers,
    }
    prediction_log.append(orjson.dumps(entry))
    told = {"predictions": answers, "model_version": str(version.pk), "policy_version": None, "request_id": request_id}
    revoked = data_revoked(version)
    return orjson.dumps({**told, "data_revoked": revoked} if revoked else told)
