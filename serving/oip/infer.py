"""One request of the Open Inference Protocol answered: the same steps as the native endpoint's, in other bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson

from departments.quotas.services import require_quickly
from serving import predicting, prediction_log
from serving.predicting import Caller
from serving.predictors import unreadable
from serving.runtime import answering, oip
from serving.runtime.answering import Answered, Asked, Snapshot
from serving.runtime.faults import InstanceErrors
from serving.snapshots import require_open

MOST_BYTES = 16 << 20  # of an unfolded body, as of the native endpoint's


def infer(*, snapshot: Snapshot, body: bytes, header_length: str | None, caller: Caller, started: int) -> oip.Reply:
    """The reply to a request, whose body is unfolded already. It is logged before it is returned.

    Raises Malformed, or Refused as the native endpoint does.
    """
    require_open(snapshot)
    request = oip.read(body, header_length, snapshot.champion.predictor.inputs)
    asked = asked_by(request)
    require_quickly(snapshot.department, "predictions", len(asked.instances))
    request_id = str(uuid4())
    try:
        answered = answering.answer(snapshot, asked, request_id)
    except InstanceErrors as wrong:
        raise unreadable(wrong) from None
    # Written first: what is logged as answered is answered.
    reply = written(request, answered, snapshot, request_id)
    prediction_log.append(
        predicting.line(
            snapshot=snapshot,
            caller=caller,
            body=orjson.dumps({"instances": asked.instances}),
            answered=answered,
            answers=orjson.Fragment(orjson.dumps(answered.predictions)),
            request_id=request_id,
            started=started,
        )
    )
    return reply


def asked_by(request: oip.Request) -> Asked:
    """The request as the native endpoint knows it: `parameters` may hold explain, interval and key. Raises Refused."""
    wanted = {name: request.parameters[name] for name in ("explain", "interval", "key") if name in request.parameters}
    return predicting.with_members({"instances": request.instances, **wanted})


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
