"""What was made from a data set. Apps further on say so; this one knows none of them.

An app registers a contributor when it is ready: `used_by.contribute("runs", _("Training runs"), find)`, where
`find(dataset, actor)` returns the uses that the actor may see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from datasets.models import Dataset
from departments.access import Actor


@dataclass(frozen=True, slots=True)
class Use:
    """One thing made from a data set: its name, page, state and the version that it was made from."""

    name: str
    url: str
    state: str
    version: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Contributor:
    label: str | Promise
    find: Callable[[Dataset, Actor], Iterable[Use]]


_contributors: dict[str, Contributor] = {}


def contribute(kind: str, label: str | Promise, find: Callable[[Dataset, Actor], Iterable[Use]]) -> None:
    """Let data sets show what `find` knows, under `label`. A second contribution of a kind replaces the first."""
    _contributors[kind] = Contributor(label, find)


def uses_of(dataset: Dataset, actor: Actor) -> list[dict[str, Any]]:
    """Return [{kind, label, uses}] of everything that contributes, in the order of registration."""
    found = ((kind, each.label, list(each.find(dataset, actor))) for kind, each in _contributors.items())
    return [{"kind": kind, "label": label, "uses": uses} for kind, label, uses in found]
