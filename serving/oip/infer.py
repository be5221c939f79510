"""One request of the Open Inference Protocol answered: the same steps as the native endpoint's, in other bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
from django.http import Http404
from django.utils.translation import gettext as _

from departments.quotas.services import require_quickly
from rest.problems import Refused
from serving import predicting
from serving.asking import with_members
from serving.predicting import Caller, Question
from serving.runtime import oip
from serving.runtime.answering import Answered, Asked, Snapshot


def infer(*, snapshot: Snapshot, body: bytes, header_length: str | None, caller: Caller, started: int) -> oip.Reply:
    """The reply to a request, whose body is unfolded already. It is logged before it is returned.

    Raises Malformed, or Refused as the native endpoint does.
    """
    request = oip.read(body, header_length, snapshot.champion.predictor.inputs)
    asked = asked_by(request)
    require_quickly(snapshot.department, "predictions", len(asked.instances))
    question = Question(snapshot, caller, asked, logged_as(asked), str(uuid4()), started)
    return written(request, predicting.answer(question).answered, snapshot, question.request_id)


def asked_by(request: oip.Request) -> Asked:
    """The request as the native endpoint knows it: `parameters` may hold explain, interval and key. Raises Refused."""
    wanted = {name: request.parameters[name] for name in ("explain", "interval", "key") if name in request.parameters}
    return with_members({"instances": request.instances, **wanted})


def logged_as(asked: Asked) -> bytes:
    """The request as the log keeps it: what the native endpoint would have been sent."""
    return orjson.dumps({"instances": asked.instances})


def written(request: oip.Request, answered: Answered, snapshot: Snapshot, request_id: str) -> oip.Reply:
    served = answered.served
    parameters: Mapping[str, Any] = {
        "request_id": request_id,
        "model_version": served.id,
        "policy_version": served.policy.version if served.policy else None,
        "data_version": served.data_version,
        **({"data_revoked": served.revoked} if served.revoked else {}),
    }
    return oip.write(
        request,
        answered.predictions,
        served.predictor.classes,
        name=snapshot.name,
        version=str(served.number),
        parameters={name: value for name, value in parameters.items() if value is not None},
    )


def in_words(problem: Mapping[str, Any]) -> tuple[int, dict[str, str]]:
    """A problem document as the protocol tells it: its status, and one text that names every place."""
    places = "; ".join(f"{each['field']}: {each['message']}" for each in problem.get("errors") or ())
    words = " ".join(part for part in (problem.get("detail"), places) if part)
    # What a value may be is a matter of the request, which the protocol answers with 400.
    status = 400 if problem["status"] == 422 else problem["status"]
    return status, {"error": words or problem["title"]}


def chosen(snapshot: Snapshot, number: str) -> Snapshot:
    """The snapshot, if it answers with that version ("": with any). Raises Http404, or Refused for another version."""
    now = str(snapshot.champion.number)
    if number in ("", now):
        return snapshot
    if not number.isdecimal():
        raise Http404
    detail = _(
        "“%(name)s” answers with version %(now)s, not with %(asked)s. Leave the version out to get what answers."
    )
    values = {"name": snapshot.name, "now": now, "asked": number[:20]}
    raise Refused("other_version", detail % values, status=404)
