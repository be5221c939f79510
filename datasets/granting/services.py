"""What of a data set another department gets: terms checked against its table, and shown before they hold."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from datasets import parts, storage
from datasets.granting import masking
from datasets.models import Dataset, DatasetVersion, VersionState
from datasets.personal_data import KINDS
from datasets.rows import conditions, jsonable
from datasets.schema import Schema
from datasets.services import record_read
from departments.access import Actor, Verb, require
from departments.models import Grant
from departments.projection import Projection
from departments.services import mask_key
from rest.problems import invalid

SHOWN_ROWS = 8
SHOWN_COLUMNS = 40


def check_terms(dataset_id: UUID, columns: Sequence[str] | None, masks: Mapping[str, Any], rows: Sequence[str]) -> None:
    """Raise Refused (422) for terms by which the newest version cannot be given."""
    version = newest_ready(dataset_id)
    if version is None:
        raise invalid("columns", _("no version of the data set is ready yet; choose columns when one is"))
    _fit(Schema.from_json(version.schema), columns, masks, rows)


def _fit(schema: Schema, columns: Sequence[str] | None, masks: Mapping[str, Any], rows: Sequence[str]) -> None:
    try:
        masking.check_terms(schema, None if columns is None else list(columns), masks, list(rows))
    except masking.UnfitTerms as error:
        raise invalid(error.field, error.message) from None


def newest_ready(dataset_id: UUID) -> DatasetVersion | None:
    """The newest version that can be read."""
    ready = DatasetVersion.objects.filter(dataset_id=dataset_id, state=VersionState.READY)
    found: DatasetVersion | None = ready.select_related("dataset").order_by("-number").first()
    return found


@dataclass(frozen=True, slots=True)
class Draft:
    """What terms would give: how many rows of how many, which columns, and the first rows as the grantee would see them."""

    rows_in_all: int
    rows_given: int
    columns_in_all: int
    columns: list[dict[str, str]]
    masked: list[str]
    personal: list[str]
    rows: list[list[Any]]


def draft(*, actor: Actor, dataset: Dataset, terms: Mapping[str, Any], grant: Grant | None = None) -> Draft | None:
    """Show what terms would give, before they hold: by the code that writes a grantee's table, on its first rows.

    None where no version is ready. Hashes are those of `grant`; without one they are made under a key of the moment.
    """
    decision = require(actor, Verb.MANAGE, dataset)
    version = newest_ready(dataset.pk)
    if version is None:
        return None
    schema = Schema.from_json(version.schema)
    _fit(schema, terms["columns"], terms["masks"], terms["rows"])
    projection = Projection.of(Grant(object_id=dataset.pk, **terms))
    given = masking.schema_under(schema, projection)
    key = mask_key(grant.pk) if grant else secrets.token_bytes(32)
    with storage.local(version.storage_key) as path:
        frame = parts.scan(path)
        fits = frame.filter(conditions(schema, terms["rows"]))
        rows_given = int(fits.select(_count()).collect().item()) if terms["rows"] else version.rows or 0
        shown = masking.projected(frame, schema, projection, key) if projection else frame
        first = shown.head(SHOWN_ROWS).collect().rows(named=True)
    record_read(version, decision, "grant_draft", rows=len(first))
    masks = terms["masks"]
    return Draft(
        rows_in_all=version.rows or 0,
        rows_given=rows_given,
        columns_in_all=len(schema),
        columns=given.to_json()[:SHOWN_COLUMNS],
        masked=[name for name in given.names if name in masks],
        personal=[name for name in given.names if name not in masks and looks_personal(version, name)],
        rows=[list(jsonable(row).values())[:SHOWN_COLUMNS] for row in first],
    )


def _count() -> Any:
    import polars as pl

    return pl.len()


def looks_personal(version: DatasetVersion, column: str) -> str:
    """What kind of personal data a column seems to hold, in words; empty for none."""
    figures = (version.profile.get("by_column") or {}).get(column) or {}
    return next((KINDS[each["kind"]].label for each in figures.get("personal") or ()), "")
