"""What would change an answer: counterfactuals of a deployment, asked for in the very way that callers ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.utils.translation import gettext as _

from rest.problems import Refused, invalid
from serving.explaining.explainers import explainer_of
from serving.runtime import answering
from serving.runtime.answering import Asked, Snapshot
from serving.runtime.explain.counterfactuals import Ask, Found, Search
from serving.runtime.explain.goals import goal_of
from serving.runtime.explain.moves import DOWN, UP, Column, columns_of
from serving.runtime.inputs import Input
from training.models import ModelVersion

MEMBERS = ("instance", "want", "locked", "directions", "count")
MOST = 10


@dataclass(frozen=True, slots=True)
class Question:
    """One instance, what is wanted instead (None: any other answer), which columns stay and which may only go one way."""

    instance: Any
    want: Any = None
    locked: frozenset[str] = frozenset()
    directions: Mapping[str, str] | None = None
    count: int = 3


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The present answer and the ways to another one; `searched` rows were answered to find them."""

    row: Mapping[str, Any]
    answer: Mapping[str, Any]
    found: Sequence[Found]
    locked: frozenset[str]
    searched: int

    def to_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "counterfactuals": [self._way(way) for way in self.found],
            "locked": sorted(self.locked),
            "searched": self.searched,
        }

    def _way(self, way: Found) -> dict[str, Any]:
        changes = [{"column": name, "from": self.row.get(name), "to": value} for name, value in way.changes.items()]
        instance = {**self.row, **way.changes}
        return {"changes": changes, "instance": instance, "answer": way.answer, "distance": way.distance}


def read(body: bytes, inputs: Sequence[Input]) -> Question:
    """Read a request's body. Raises Refused that names the member."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused("parse_error", _("The body is not valid JSON: %s") % error, status=400) from None
    if not isinstance(asked, dict) or "instance" not in asked:
        raise invalid("instance", _('send {"instance": {column: value, …}}'))
    for name in asked:
        if name not in MEMBERS:
            raise invalid(str(name)[:80], _("unknown member; known are %s") % ", ".join(MEMBERS))
    count = asked.get("count", 3)
    if type(count) is not int or not 1 <= count <= MOST:
        raise invalid("count", _("expected a whole number from 1 to %s") % MOST)
    names = {column.name for column in inputs}
    locked, directions = asked.get("locked") or [], asked.get("directions") or {}
    if not isinstance(locked, list) or not all(isinstance(name, str) for name in locked):
        raise invalid("locked", _("expected a list of column names"))
    if not isinstance(directions, dict) or not all(way in (UP, DOWN) for way in directions.values()):
        raise invalid("directions", _("expected an object of column names and “up” or “down”"))
    for field, given in (("locked", locked), ("directions", directions)):
        for name in given:
            if name not in names:
                raise invalid(f"{field}.{name[:80]}", _("unknown column; this model reads %s") % _listed(inputs))
    return Question(asked["instance"], asked.get("want"), frozenset(locked), directions, count)


def _listed(inputs: Sequence[Input]) -> str:
    return ", ".join([column.name for column in inputs][:20])


def find(*, snapshot: Snapshot, version: ModelVersion, question: Question) -> Alternatives:
    """Search for what gets another answer from the deployment's champion, its policy included.

    `version` is the champion's row. Raises InstanceErrors for an instance or a wish that cannot be read.
    """
    alone = replace(snapshot, challenger=None, mode=None)

    def ask(instances: list[dict[str, Any]]) -> Sequence[Mapping[str, Any]]:
        return answering.answer(alone, Asked(instances), "").predictions

    return _search(ask, version, question, locked_by(snapshot))


def locked_by(snapshot: Snapshot) -> frozenset[str]:
    """The columns that the deployment's decision policy never lets change."""
    policy = snapshot.champion.policy
    return frozenset(policy.locked) if policy is not None else frozenset()


def _search(ask: Ask, version: ModelVersion, question: Question, always: frozenset[str]) -> Alternatives:
    explainer = explainer_of(version)
    predictor = explainer.predictor
    [row], _matrix = predictor.prepare([question.instance])
    [now] = ask([row])
    goal = goal_of(question.want, predictor.classes, now)
    movable: list[Column] = columns_of(predictor.inputs, explainer.background)
    locked = question.locked | always
    search = Search(ask, goal, row, movable, locked=locked, directions=question.directions)
    return Alternatives(row, now, search.run(question.count), locked, search.asked)
