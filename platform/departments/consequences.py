"""What was made from granted data, and what becomes of it when the grant ends. Apps further on say so; none is imported.

An app registers a contributor when it is ready. Its `find` lists what the grantee made from the data; `carry_out` does
what the owner chose, inside the transaction that ends the grant, and returns how many it changed; `lift` undoes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils.functional import Promise

from departments.access import Verb
from departments.models import Choice, Grant, GrantEnd

# The strictest first: of two rulings on one thing, the stricter counts.
STRICTNESS = (Choice.STOP, Choice.FREEZE, Choice.RETRAIN, Choice.KEEP)
WITH_DATE = frozenset({Choice.RETRAIN, Choice.KEEP})
MOST = 200


@dataclass(frozen=True, slots=True)
class Affected:
    """One thing made from the data. Its owner's page is for its own department alone."""

    id: UUID
    name: str
    url: str
    state: str
    at: datetime
    note: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the owner of the data decided about one kind of thing, and from when on."""

    grant: Grant
    choice: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contributor:
    label: str | Promise
    find: Callable[[Grant], Iterable[Affected]]
    choices: tuple[str, ...] = ()
    carry_out: Callable[[Ruling], int] | None = None
    lift: Callable[[Grant], int] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Everything of one kind."""

    kind: str
    label: str | Promise
    choices: tuple[str, ...] = ()
    items: list[Affected] = field(default_factory=list)


_contributors: dict[str, Contributor] = {}


def contribute(kind: str, contributor: Contributor) -> None:
    """Let ends of grants reach what `contributor` knows. A second contribution of a kind replaces the first."""
    _contributors[kind] = contributor


def kinds_to_choose() -> dict[str, Contributor]:
    """The kinds about which the owner decides, in the order in which it is carried out."""
    return {kind: each for kind, each in _contributors.items() if each.choices}


def consequences_of(grant: Grant) -> list[Group]:
    """Everything that the grantee made from the data of `grant`, kind by kind."""
    return [Group(kind, each.label, each.choices, list(each.find(grant))) for kind, each in _contributors.items()]


def fitting(kind: str, choice: str) -> str:
    """`choice` as that kind of thing knows it: what cannot be frozen or retrained is stopped."""
    choices = _contributors[kind].choices
    return choice if choice in choices else choices[0]


def carry_out(kind: str, ruling: Ruling) -> int:
    act = _contributors[kind].carry_out
    return act(ruling) if act is not None else 0


def carry_out_on(end: GrantEnd, kind: str, act: Callable[[Ruling], None]) -> None:
    """Let one thing more come under what was decided when a grant ended."""
    choice = Choice.FREEZE if end.closed_at and end.choices.get(kind) in WITH_DATE else end.choices.get(kind)
    if choice:
        act(Ruling(end.grant, choice, end.at, end.until if choice in WITH_DATE else None))


def lift(grant: Grant) -> dict[str, int]:
    return {kind: each.lift(grant) for kind, each in _contributors.items() if each.lift is not None}


def covering(grant: Grant) -> Grant | None:
    """Another grant that lets the same department go on training on the same data: then nothing that it made is touched."""
    live = Grant.objects.live().filter(
        object_kind=grant.object_kind, object_id=grant.object_id, department=grant.department_id
    )
    return next((other for other in live.exclude(pk=grant.pk) if Verb.TRAIN in other.verbs), None)
