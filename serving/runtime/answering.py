"""From instances to answers, with all that a deployment adds to a model's output. Plain Python, no database.

A `Snapshot` is what a deployment is at one moment: immutable, built by `serving.snapshots`, replaced as a whole when
something of it changes. `answer` and `answer_all` read it and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, Protocol
from uuid import UUID

import numpy as np

from serving.runtime.faults import Fault, InstanceErrors
from serving.runtime.inputs import _
from serving.runtime.predictor import Predictor

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
    """A deployment at one moment. With a challenger, `mode` says whether it answers in the `shadow` (computed and
    logged, never returned) or as a `canary`, for `share` of the requests, told apart by their keys and `salt`.
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
    """One answer: `predictions` in the order of the instances, who `served` it, and the challenger's answers where it
    runs in the shadow: an InstanceErrors where it could not read what the champion read."""

    predictions: list[Answer]
    served: Served
    shadow: list[Answer] | InstanceErrors | None = None


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
    chosen = [serving(snapshot, asked, request_id) for asked, request_id in requests]
    for served in {id(each): each for each in chosen}.values():
        mine = [index for index, each in enumerate(chosen) if each is served]
        for index, told in zip(mine, _answers(served, [requests[index][0] for index in mine]), strict=True):
            found[index] = told if isinstance(told, InstanceErrors) else Answered(told, served)
    if snapshot.mode == "shadow" and snapshot.challenger is not None:
        _add_shadow(snapshot.challenger, requests, found)
    return found


def _add_shadow(
    challenger: Served, requests: Sequence[tuple[Asked, str]], found: list[Answered | InstanceErrors]
) -> None:
    """The challenger answers what the champion answered, plainly: nobody reads its reasons or intervals."""
    for index, each in enumerate(found):
        if isinstance(each, Answered):
            [shadow] = _answers(challenger, [Asked(requests[index][0].instances)])
            found[index] = Answered(each.predictions, each.served, shadow)


def serving(snapshot: Snapshot, asked: Asked, request_id: str) -> Served:
    """The version that answers this request: of a canary, always the same one for the same key."""
    if snapshot.mode != "canary" or snapshot.challenger is None:
        return snapshot.champion
    return snapshot.challenger if _place(snapshot.salt, asked.key or request_id) < snapshot.share else snapshot.champion


def _place(salt: str, key: str) -> float:
    """Where a key stands in [0, 1): evenly, and otherwise for every rollout."""
    digest = blake2b(f"{salt}\0{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


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
