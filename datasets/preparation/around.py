"""What a recipe's steps may reach outside of their table: data sets to join, and whose pseudonyms are made.

A step names another table as `ID@version`. Whether it may be read is decided here, for the department that prepares;
what may not be read is left out, and the step says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import parts, storage, tables
from datasets.models import Dataset, DatasetVersion, VersionState
from datasets.recipe import Around, tables_named
from datasets.schema import Schema
from datasets.services import record_read
from departments.access import Actor, Decision, Verb, decide, grants_for
from departments.models import Department
from departments.projection import WHOLE

if TYPE_CHECKING:
    import polars as pl

REFERENCE = re.compile(r"([0-9a-f-]{36})@(\d{1,9})")
OFFERED = 200  # data sets that a form lists


@dataclass(frozen=True)
class OtherTable:
    """Another data set's table as the department gets it; it is brought to `folder` when its rows are read."""

    version: DatasetVersion
    decision: Decision
    described: tables.Described
    folder: Path | None

    @property
    def schema(self) -> Schema:
        return self.described.schema

    def frame(self) -> pl.LazyFrame:
        if self.folder is None:
            raise RuntimeError("this table was only described")
        place = self.folder / str(self.version.pk)
        place.mkdir(exist_ok=True)
        record_read(self.version, self.decision, "join")
        return parts.scan(storage.bring(self.described.key, place))


def around(
    *,
    actor: Actor,
    department: Department,
    steps: Any,
    folder: Path | None = None,
    verbs: tuple[Verb, ...] = (Verb.PREVIEW,),
) -> Around:
    """The tables that the steps name, as far as the department may do all of `verbs` with them; without a folder only
    their columns are known.
    """
    found = {}
    for reference in tables_named(steps):
        table = _other(actor.within(department.pk), reference, folder, verbs)
        if table is not None:
            found[reference] = table
    return Around(tables=found, scope=str(department.pk))


def _other(actor: Actor, reference: str, folder: Path | None, verbs: tuple[Verb, ...]) -> OtherTable | None:
    named = REFERENCE.fullmatch(reference)
    if not named:
        return None
    ready = DatasetVersion.objects.filter(state=VersionState.READY).select_related("dataset__department")
    version = ready.filter(dataset_id=named[1], number=int(named[2])).first()
    if version is None:
        return None
    decisions = [decide(actor, verb, version.dataset) for verb in verbs]
    if not all(decision.allowed for decision in decisions):
        return None
    return OtherTable(version, decisions[0], tables.described(version, decisions[0], actor=actor), folder)


def digests(*, actor: Actor, department: Department, steps: Any, verbs: tuple[Verb, ...]) -> list[str]:
    """What the department gets of each table that the steps name, as names that change with it; empty for no right."""
    named = [found for reference in tables_named(steps) if (found := REFERENCE.fullmatch(reference))]
    known = Dataset.objects.in_bulk([found[1] for found in named])
    member, digests = actor.within(department.pk), []
    for dataset in known.values():
        answers = [decide(member, verb, dataset) for verb in verbs]
        projection = answers[0].projection
        digests.append((projection.digest if projection else WHOLE) if all(a.allowed for a in answers) else "")
    return digests if len(known) == len({found[1] for found in named}) else [""]


def offered(*, actor: Actor, department: Department, besides: Dataset) -> list[tuple[str, str]]:
    """The data sets that the department may join, each by its newest ready version, and what a form calls it."""
    member = actor.within(department.pk)
    seen = Dataset.objects.visible_to(member).exclude(pk=besides.pk).select_related("department").order_by("name")
    listed = list(seen[:OFFERED])
    grants = grants_for(member, listed)
    readable = [each for each in listed if decide(member, Verb.PREVIEW, each, grants=grants.get(each.pk, [])).allowed]
    ready = DatasetVersion.objects.filter(dataset__in=readable, state=VersionState.READY).order_by("number")
    newest = dict(ready.values_list("dataset_id", "number"))
    return [
        (f"{each.pk}@{newest[each.pk]}", f"{each.name} · {each.department.name} · v{newest[each.pk]}")
        for each in readable
        if each.pk in newest
    ]
