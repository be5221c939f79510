"""Held-out rows for judging policies: the model's answers, the truth, and the inputs that rules read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.utils.translation import gettext as _

from departments.access import Actor
from departments.projection import WHOLE
from rest.problems import Refused
from serving.runtime.decisions.calibration import LEAST_ROWS
from serving.runtime.decisions.judging import Held
from training.models import ModelVersion
from training.scored import CALIBRATION, TEST, scored_rows

if TYPE_CHECKING:
    import numpy as np

    from training.engine.scored import Scored


@dataclass(frozen=True)
class HeldOut:
    """`fit` is for calibration and for choosing thresholds, `test` for judging what was chosen.

    `in_sample`: one of the parts was too small, so both are all rows there are, and figures flatter a little.
    """

    fit: Held
    test: Held
    in_sample: bool


def held_out(*, actor: Actor, version: ModelVersion, columns: Sequence[str]) -> HeldOut | None:
    """The version's held-out rows with these input columns; None for a version that has none.

    Raises Refused (403) where the columns are of a table that the actor may not, or no longer, train on.
    """
    scored = scored_rows(version)
    if scored is None or not len(scored):
        return None
    fit, test = scored.of(CALIBRATION), scored.of(TEST)
    in_sample = min(len(fit), len(test)) < LEAST_ROWS
    if in_sample:
        fit = test = scored
    read = _inputs(actor, version, columns) if columns else None
    return HeldOut(_held(fit, read), _held(test, read), in_sample)


def _held(scored: Scored, table: _Inputs | None) -> Held:
    rows = None if table is None else table.rows(scored.row)
    return Held(scored.truth, scored.prediction, rows, scored.weight)


@dataclass(frozen=True)
class _Inputs:
    """Columns of the table that the training read, a list of cells each."""

    cells: Mapping[str, list[Any]]

    def rows(self, places: np.ndarray) -> list[dict[str, Any]]:
        """The rows at these places as a request would send them: what is missing is left out."""
        names = list(self.cells)
        picked = zip(*([cells[at] for at in places.tolist()] for cells in self.cells.values()), strict=True)
        return [
            {n: sent for n, cell in zip(names, row, strict=True) if (sent := _sent(cell)) is not None} for row in picked
        ]


def _sent(cell: Any) -> Any:
    """A cell as JSON has it."""
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def _inputs(actor: Actor, version: ModelVersion, columns: Sequence[str]) -> _Inputs:
    from datasets import parts, tables
    from training.execution import given_now
    from training.services import require_train

    run = version.run
    assert run is not None, "scored rows belong to a run"
    try:
        decision = require_train(actor, run.dataset_version.dataset, version.department)
    except Http404:
        raise _no_access() from None
    if (run.projection or WHOLE) != given_now(run, actor, decision):
        raise _no_access()
    with tables.opened(run.dataset_version, decision, actor=actor) as table:
        frame = parts.read(table.path, [name for name in columns if name in table.schema.names])
    return _Inputs({name: frame[name].to_list() for name in frame.columns})


def _no_access() -> Refused:
    detail = _(
        "Rules are judged on the rows that the model was tested on, and what your department may read of them is not "
        "what it was when the model was trained. Train the model again on what is granted now, or leave the rules out."
    )
    return Refused("rows_changed", detail, status=403)


def without_rows(held: Held) -> Held:
    """The same as if there were no rules."""
    return replace(held, rows=None)
