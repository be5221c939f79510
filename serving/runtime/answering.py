"""From instances to answers, with all that a deployment adds to a model's output. Plain Python, no database.

A `Snapshot` is what a deployment is at one moment: immutable, built by `serving.snapshots`, replaced as a whole when
something of it changes. `answer` and `answer_all` read it and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

import numpy as np

from serving.runtime.faults import Fault, InstanceErrors
from serving.runtime.inputs import _
from serving.runtime.predictor import Predictor
from serving.runtime.routing import takes_challenger

Answer = dict[str, Any]

NO_EXPLANATION = _("this model gives no explanations; leave “explain” out")
NO_UNCERTAINTY = _("this model gives no intervals; leave “interval” out")


@dataclass(frozen=True, slots=True)
class Computed:
    """What the additions to an answer may read: the n instances of one request and what the model made of them.

    `rows` are the validated instances, `matrix` (n, features) the model's prepared inputs, `output` (n, 1) values or
    (n, classes) probabilities.
    """

    predictor: Predictor
    rows: Sequence[dict[str, Any]]
    matrix: np.ndarray
    output: np.ndarray


class Uncertainty(Protocol):
    """Adds `interval` (regression) or `set` (classification) to each answer, in place."""

    def refusal(self, level: float) -> Fault | None:
        """Why this level cannot be answered, if it cannot."""

    def add(self, computed: Computed, answers: list[Answer], level: float) -> None:
        """`level` is the coverage asked for, between 0 and 1."""


class Explanation(Protocol):
    """Adds `explanation` to each answer, in place. Raises InstanceErrors for more instances than it can explain."""

    def add(self, computed: Computed, answers: list[Answer]) -> None: ...


class Policy(Protocol):
    """Calibrates `probabilities`, with `label` the likeliest class by them, and adds `decision`, in place. It comes last."""

    @property
    def version(self) -> int: ...

    @property
    def locked(self) -> tuple[str, ...]:
        """The columns that no counterfactual may change."""

    def add(self, computed: Computed, answers: list[Answer]) -> None: ...


@dataclass(frozen=True, slots=True)
class Served:
    """A model version that answers, with what belongs to it. `revoked` tells of data to which access has ended."""

    id: str
    number: int
    predictor: Predictor
    data_version: str | None = None
    policy: Policy | None = None
    uncertainty: Uncertainty | None = None
    explanation: Explanation | None = None
    revoked: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A deployment at one moment. As a `canary` the challenger answers `share` of the requests, told apart by their keys
    and `salt`. In the `shadow` it answers none here: it is compared when the log is stored (serving.rollouts.comparing),
    so that it neither delays nor fails an answer.
    """

    id: str
    name: str
    department: UUID
    paused: bool
    champion: Served
    challenger: Served | None = None
    mode: Literal["shadow", "canary"] | None = None
    share: float = 0.0
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its instances, and what it wants beside the answers.

    `interval` is the coverage of intervals or sets, `key` what keeps a caller's requests with one version.
    """

    instances: list[Any]
    explain: bool = False
    interval: float | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: `predictions` in the order of the instances, who `served` it, and whether it was the champion because
    the challenger, whose turn it was, failed."""

    predictions: list[Answer]
    served: Served
    fell_back: bool = False


def answer(snapshot: Snapshot, asked: Asked, request_id: str) -> Answered:
    """Answer one request. Raises InstanceErrors that names every value that cannot be read."""
    [found] = answer_all(snapshot, [(asked, request_id)])
    if isinstance(found, InstanceErrors):
        raise found
    return found


def answer_all(snapshot: Snapshot, requests: Sequence[tuple[Asked, str]]) -> list[Answered | InstanceErrors]:
    """Answer (asked, request id) of several callers in one computation for each version: the cost of a call of numpy
    or ONNX Runtime is shared. The faults of one request touch no other."""
    found: list[Answered | InstanceErrors] = [InstanceErrors([])] * len(requests)
    champion, challenger = snapshot.champion, snapshot.challenger
    mine: list[int] = []
    left = list(range(len(requests)))
    if challenger is not None and snapshot.mode == "canary":
        mine = [i for i, (asked, request_id) in enumerate(requests) if _is_canary(snapshot, asked, request_id)]
        for index, theirs in zip(mine, _attempts(challenger, [requests[i][0] for i in mine]), strict=True):
            if theirs is not None:
                found[index] = Answered(theirs, challenger)
        left = [index for index, each in enumerate(found) if not isinstance(each, Answered)]
    failed = set(mine)
    for index, told in zip(left, _answers(champion, [requests[i][0] for i in left]), strict=True):
        found[index] = told if isinstance(told, InstanceErrors) else Answered(told, champion, index in failed)
    return found


def _is_canary(snapshot: Snapshot, asked: Asked, request_id: str) -> bool:
    """Whether the challenger answers: of one key always, or never, while its share stays."""
    return takes_challenger(asked.key or request_id, snapshot.salt, snapshot.share)


def _attempts(challenger: Served, asked: Sequence[Asked]) -> list[list[Answer] | None]:
    """The challenger's answers; None where it has none, for whatever reason: then the champion answers, and a caller
    sees no error that the champion alone would not have made."""
    try:
        return [None if isinstance(told, InstanceErrors) else told for told in _answers(challenger, asked)]
    except Exception:  # a model graph raises whatever it likes
        return [_attempt(challenger, each) for each in asked] if len(asked) > 1 else [None] * len(asked)


def _attempt(challenger: Served, asked: Asked) -> list[Answer] | None:
    [told] = _attempts(challenger, [asked])
    return told


def _answers(served: Served, asked: Sequence[Asked]) -> list[list[Answer] | InstanceErrors]:
    """The answers to each request, in one computation over the rows of all."""
    predictor = served.predictor
    prepared = [_prepared(served, each) for each in asked]
    good = [each for each in prepared if not isinstance(each, InstanceErrors)]
    if not good:
        return [each for each in prepared if isinstance(each, InstanceErrors)]
    output = predictor.compute(good[0][1] if len(good) == 1 else np.concatenate([matrix for _rows, matrix in good]))
    finite = bool(np.isfinite(output).all())
    answers = predictor.encode(output)
    told: list[list[Answer] | InstanceErrors] = []
    start = 0
    for wanted, each in zip(asked, prepared, strict=True):
        if isinstance(each, InstanceErrors):
            told.append(each)
            continue
        rows, matrix = each
        own = output[start : start + len(rows)]
        if not finite and (wrong := predictor.not_finite(own)):
            told.append(wrong)
        else:
            mine = answers if len(good) == 1 else answers[start : start + len(rows)]
            told.append(_added(served, wanted, Computed(predictor, rows, matrix, own), mine))
        start += len(rows)
    return told


def _prepared(served: Served, asked: Asked) -> tuple[list[dict[str, Any]], np.ndarray] | InstanceErrors:
    faults: list[Fault] = []
    if asked.explain and served.explanation is None:
        faults.append(Fault("explain", NO_EXPLANATION))
    if asked.interval is not None:
        uncertainty = served.uncertainty
        refusal = Fault("interval", NO_UNCERTAINTY) if uncertainty is None else uncertainty.refusal(asked.interval)
        faults += [refusal] if refusal else []
    if faults:
        return InstanceErrors(faults)
    try:
        return served.predictor.prepare(asked.instances)
    except InstanceErrors as wrong:
        return wrong


def _added(served: Served, asked: Asked, computed: Computed, answers: list[Answer]) -> list[Answer] | InstanceErrors:
    """The answers with what was asked for beside them, or why that cannot be given."""
    try:
        if asked.interval is not None and served.uncertainty is not None:
            served.uncertainty.add(computed, answers, asked.interval)
        if asked.explain and served.explanation is not None:
            served.explanation.add(computed, answers)
        if served.policy is not None:
            served.policy.add(computed, answers)
    except InstanceErrors as wrong:
        return wrong
    return answers
