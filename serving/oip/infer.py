"""One request of the Open Inference Protocol answered: the same steps as the native endpoint's, in other bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson

from departments.quotas.services import require_quickly
from serving import predicting
from serving.asking import with_members
from serving.predicting import Caller, Question
from serving.runtime import oip
from serving.runtime.answering import Answered, Asked, Snapshot

MOST_BYTES = 16 << 20  # of an unfolded body, as of the native endpoint's


def infer(*, snapshot: Snapshot, body: bytes, header_length: str | None, caller: Caller, started: int) -> oip.Reply:
    """The reply to a request, whose body is unfolded already. It is logged before it is returned.

    Raises Malformed, or Refused as the native endpoint does.
    """
    request = oip.read(body, header_length, snapshot.champion.predictor.inputs)
    asked = asked_by(request)
    require_quickly(snapshot.department, "predictions", len(asked.instances))
    logged = orjson.dumps({"instances": asked.instances})
    question = Question(snapshot, caller, asked, logged, str(uuid4()), started)
    return written(request, predicting.answer(question).answered, snapshot, question.request_id)


def asked_by(request: oip.Request) -> Asked:
    """The request as the native endpoint knows it: `parameters` may hold explain, interval and key. Raises Refused."""
    wanted = {name: request.parameters[name] for name in ("explain", "interval", "key") if name in request.parameters}
    return with_members({"instances": request.instances, **wanted})


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
