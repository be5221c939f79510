"""From a request that may be answered to its answer, which is logged before it leaves.

The view over REST and the prediction core (`serving.core`) go through the same steps: a body is read (`serving.asking`),
the quota asked, questions are answered and logged, one or many at a time (`answer`), and the answer is `told`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter_ns

import orjson

from rest.problems import Refused
from serving import prediction_log
from serving.predictors import unreadable
from serving.runtime import answering
from serving.runtime.answering import Answered, Asked, Snapshot
from serving.runtime.faults import InstanceErrors

_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
_log = logging.getLogger("serving.predicting")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the log keeps it: by which rule, with which token and from where."""

    person: str
    username: str
    token: str | None
    address: str
    rule: str


@dataclass(frozen=True, slots=True)
class Question:
    """One request as it is answered and logged.

    `body` is the JSON that the log keeps as its request, with its `instances`; `arrived` is by `perf_counter_ns`.
    """

    snapshot: Snapshot
    caller: Caller
    asked: Asked
    body: bytes
    request_id: str
    arrived: int


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that is in the log. `predictions` are its answers as JSON."""

    answered: Answered
    predictions: orjson.Fragment
    request_id: str

    def body(self) -> bytes:
        """The answer of the native endpoint, as JSON."""
        served = self.answered.served
        found = {
            "predictions": self.predictions,
            "model_version": served.id,
            "policy_version": served.policy.version if served.policy else None,
            "data_version": served.data_version,
            "request_id": self.request_id,
        }
        return orjson.dumps({**found, "data_revoked": served.revoked} if served.revoked else found)


def answer(question: Question) -> Told:
    """Answer and log one question. Raises Refused."""
    [found] = answer_all([question])
    if isinstance(found, Exception):
        raise found
    return found


def answer_all(questions: Sequence[Question]) -> list[Told | Exception]:
    """Answer questions, those to one snapshot in one computation, and log them with one write.

    What refuses a question stands in its place, and touches no other.
    """
    snapshots = {id(each.snapshot): each.snapshot for each in questions}
    if len(snapshots) == 1:
        found = _computed(questions[0].snapshot, questions)
    else:
        by_place: dict[int, Answered | Exception] = {}
        for snapshot in snapshots.values():
            mine = [index for index, each in enumerate(questions) if each.snapshot is snapshot]
            by_place |= zip(mine, _computed(snapshot, [questions[index] for index in mine]), strict=True)
        found = [by_place[index] for index in range(len(questions))]
    return _logged(questions, [_told(*each) for each in zip(questions, found, strict=True)])


def _computed(snapshot: Snapshot, questions: Sequence[Question]) -> list[Answered | Exception]:
    try:
        return [*answering.answer_all(snapshot, [(each.asked, each.request_id) for each in questions])]
    except Exception as error:
        if len(questions) == 1:
            _log.exception("“%s” could not answer", snapshot.name)
            return [error]
        # One of them is to blame: the others are answered.
        return [found for each in questions for found in _computed(snapshot, [each])]


def _told(question: Question, answered: Answered | Exception) -> Told | Exception:
    if isinstance(answered, InstanceErrors):
        return unreadable(answered)
    if isinstance(answered, Exception):
        return answered
    return Told(answered, orjson.Fragment(orjson.dumps(answered.predictions)), question.request_id)


def _logged(questions: Sequence[Question], found: list[Told | Exception]) -> list[Told | Exception]:
    """Every answer is in the log before any of them leaves; where the log cannot be written, none leaves."""
    now, at = perf_counter_ns(), datetime.now(UTC).isoformat()
    lines = [
        _line(question, told, at, (now - question.arrived) // 1000)
        for question, told in zip(questions, found, strict=True)
        if isinstance(told, Told)
    ]
    if not lines:
        return found
    try:
        prediction_log.append(b"\n".join(lines))
    except Refused as refused:
        return [refused if isinstance(told, Told) else told for told in found]
    return found


def _line(question: Question, told: Told, at: str, microseconds: int) -> bytes:
    """The log's line of one answered request."""
    caller, served = question.caller, told.answered.served
    entry = {
        "request_id": question.request_id,
        "deployment": question.snapshot.id,
        "model_version": served.id,
        "version": served.number,
        "person": caller.person,
        "username": caller.username,
        "token": caller.token,
        "address": caller.address,
        "rule": caller.rule,
        "at": at,
        "microseconds": microseconds,
        # It is valid JSON by now, where a line break can only stand between values.
        "request": orjson.Fragment(question.body.translate(_ONE_LINE)),
        "answers": told.predictions,
    }
    if told.answered.fell_back:
        entry["fell_back"] = True
    return orjson.dumps(entry)
