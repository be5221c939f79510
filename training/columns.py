"""Values of any column of a model's data beside its scored rows, for whoever may see rows: also of columns that the
model does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from datasets import parts, tables
from datasets.schema import Schema
from departments.access import Actor, Decision, Verb, decide, require
from departments.projection import WHOLE
from rest.problems import Refused, invalid
from training.models import ModelVersion

if TYPE_CHECKING:
    import numpy as np

TYPES = ("integer", "number", "boolean", "text")


def columns_open(actor: Actor, version: ModelVersion) -> list[str]:
    """The columns that the actor may group a model's rows by; none where its rows are not theirs to see."""
    run = version.run
    if run is None:
        return []
    decision = decide(actor, Verb.PREVIEW, run.dataset_version.dataset)
    if not decision.allowed or _digest(decision) != run.projection:
        return []
    found = tables.seen(run.dataset_version, actor) if decision.projection else run.dataset_version
    return [column.name for column in Schema.from_json(found.schema) if column.type in TYPES]


def values_of(*, actor: Actor, version: ModelVersion, column: str, rows: np.ndarray, field: str = "by") -> list[Any]:
    """The column's values in these rows of the table that the model's run read. Shape: rows (n,) numbers from 0.

    Raises Http404 or Refused: where rows may not be previewed (403), where the actor sees another part of the table
    than the run did (403), and for an unknown column or one of dates (422, naming `field`).
    """
    run = version.run
    if run is None:
        raise Refused("no-rows", _("This model came from elsewhere: no rows are kept with it."), status=409)
    data = run.dataset_version
    decision = require(actor, Verb.PREVIEW, data.dataset)
    if _digest(decision) != run.projection:
        detail = _(
            "The model learned from another part of “%s” than you may see, so its rows cannot be told apart for you. "
            "Ask a member of the department that trained it."
        )
        raise Refused("other-rows", detail % data.dataset.name, status=403)
    with tables.opened(data, decision, actor=actor) as table:
        known = {each.name: each.type for each in table.schema if each.type in TYPES}
        if column not in known:
            raise invalid(field, _("choose a column of the data: %s") % ", ".join(list(known)[:50]))
        values = parts.scan(table.path).select(column).collect(engine="streaming")[column]
    if len(rows) and int(rows.max()) >= len(values):
        raise Refused("other-rows", _("The data has changed since this model was trained. Train it again."))
    found: list[Any] = values[rows].to_list()
    return found


def _digest(decision: Decision) -> str:
    return decision.projection.digest if decision.projection else WHOLE
