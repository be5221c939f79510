"""Where else a person's data went, told by the apps further on; this one knows none of them.

`holders` keep copies of cells, such as the log of predictions: they count and erase them. `witnesses` learned from the
data and cannot unlearn, such as models: they are listed, whoever owns them, so that their owners can be asked to retrain.
`followers` keep rows of versions by their numbers, such as what a model answered on them: they are told which are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Holder:
    """`count(department, subject)` and `erase(department, subject)` return how many records hold the subject's key."""

    count: Callable[[UUID, str], int]
    erase: Callable[[UUID, str], int]


@dataclass(frozen=True, slots=True)
class Witness:
    """Something that saw the data: its kind, name, the slug of its department, its page, and the version it saw."""

    kind: str
    name: str
    department: str
    url: str
    dataset: str
    version: int


FindWitnesses = Callable[[Iterable[UUID]], Iterable[Witness]]
Forget = Callable[[UUID, list[int]], int]

_holders: dict[str, Holder] = {}
_witnesses: dict[str, FindWitnesses] = {}
_followers: dict[str, Forget] = {}


def hold(kind: str, holder: Holder) -> None:
    """Tell of a place that keeps copies of cells."""
    _holders[kind] = holder


def witness(kind: str, find: FindWitnesses) -> None:
    """Tell of what learns from versions; `find` gets the ids of the versions in which the subject stands."""
    _witnesses[kind] = find


def follow(kind: str, forget: Forget) -> None:
    """Tell of what keeps rows of a version by their numbers; `forget` gets the numbers, from 0, of those erased from it."""
    _followers[kind] = forget


def forget_rows(version: UUID, removed: list[int]) -> dict[str, int]:
    """Have every follower forget these rows of a version, which the others close up to; returns how many did."""
    return {kind: forget(version, removed) for kind, forget in _followers.items()}


def held(department: UUID, subject: str) -> dict[str, int]:
    return {kind: holder.count(department, subject) for kind, holder in _holders.items()}


def erase_held(department: UUID, subject: str) -> dict[str, int]:
    return {kind: holder.erase(department, subject) for kind, holder in _holders.items()}


def witnesses(versions: Iterable[UUID]) -> list[Witness]:
    ids = list(versions)
    return [each for find in _witnesses.values() for each in find(ids)]
