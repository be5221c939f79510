"""What the recipe page shows, made from the steps and their preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from datasets.recipe import GROUPS, STEPS, Around, RecipeError, Step, plan
from datasets.schema import TYPES, Schema
from plugins.params import Param, validate_params

SHOWN_COLUMNS = 40
Report = dict[str, Any]
Steps = list[dict[str, Any]]


@dataclass(frozen=True)
class Cell:
    """One value after the step; `was` is the value before, where it differs."""

    text: str
    state: str = ""
    was: str = ""


def menu() -> list[tuple[str, list[Step]]]:
    """The steps that may be added, by group."""
    return [(group, [step for step in STEPS if step.group == group]) for group in GROUPS]


def listed(steps: Steps, report: Report, chosen: int | None) -> list[dict[str, Any]]:
    """The steps as the list shows them: what each works on, and what it did."""
    return [_listed(place, step, report["steps"][place], chosen) for place, step in enumerate(steps)]


def _listed(place: int, step: dict[str, Any], did: Report, chosen: int | None) -> dict[str, Any]:
    declared, named = STEPS[step["step"]], step.get("columns") or _named(step)
    return {
        "place": place, "number": place + 1, "declared": declared, "enabled": did["enabled"], "chosen": place == chosen,
        "on": ", ".join(named[:3]) + ("…" if len(named) > 3 else ""), "error": did.get("error", ""), "did": did,
        "removed_rows": max(0, did.get("rows_before", 0) - did.get("rows_after", 0)),
        "added_rows": max(0, did.get("rows_after", 0) - did.get("rows_before", 0)),
    }  # fmt: skip


def _named(step: dict[str, Any]) -> list[str]:
    """The columns that the step's parameters name; none while it cannot be read."""
    declared = STEPS[step["step"]]
    try:
        named = declared.named(validate_params(declared.params, step.get("params") or {}))
    except ValueError:
        return []
    return list(dict.fromkeys(name for _, name in named))


def personal_in(profile: Mapping[str, Any]) -> dict[str, str]:
    """What kind of personal data each suspected column seems to hold."""
    columns = profile.get("by_column") or {}
    return {name: found[0]["kind"] for name, figures in columns.items() if (found := figures.get("personal"))}


@dataclass(frozen=True)
class Offers:
    """What a step's form may offer beside its table's columns: the data sets to join, with what they hold, and which
    columns seem to be personal data.
    """

    schema: Schema
    around: Around
    tables: list[tuple[str, str]]
    personal: Mapping[str, str]

    def for_param(self, param: Param, types: Mapping[str, str], params: Mapping[str, Any]) -> list[tuple[str, str]]:
        if param.kind == "table":
            return self.tables
        if param.kind == "names":
            return self.of_other(params)
        return [(name, type_) for name, type_ in types.items() if type_ in (param.types or TYPES)]

    def of_other(self, params: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The columns of the other table, once it is chosen."""
        other = self.around.tables.get(params.get("table") or "")
        return [(column.name, column.type) for column in other.schema.columns] if other else []


def settings_of(steps: Steps, report: Report, place: int, offers: Offers) -> dict[str, Any]:
    """The chosen step's form: its parameters, the columns that it may take, its mistakes by field."""
    step, did = steps[place], report["steps"][place]
    declared, columns = STEPS[step["step"]], step.get("columns") or []
    params = validate_params(declared.params, step.get("params") or {})
    types = _types_before(steps, place, offers)
    takes = declared.accepted(params) if declared.takes_columns else ()
    suited = [name for name, type_ in types.items() if type_ in takes]
    errors = _errors(did, place)
    fields = [
        {
            "param": param,
            "value": params[param.name],
            "error": errors.pop(f"params.{param.name}", ""),
            "offered": offers.for_param(param, types, params),
            "texts": [name for name, _ in offers.of_other(params)] if param.kind == "pairs" else [],
        }
        for param in declared.params
    ]
    return {
        "place": place, "number": place + 1, "declared": declared, "fields": fields, "did": did,
        "columns": [
            (name, types.get(name, ""), name in columns, offers.personal.get(name, ""))
            for name in dict.fromkeys([*suited, *columns])
        ],
        "errors": list(errors.values()), "waits": did.get("error", "") if did.get("errors") == [] else "",
        "statistics": [_statistics(column) for column in did.get("columns", [])[:SHOWN_COLUMNS]],
    }  # fmt: skip


def _types_before(steps: Steps, place: int, offers: Offers) -> dict[str, str]:
    """The columns that the step may name; those of the file where the steps before it have mistakes."""
    try:
        return dict(plan(steps[:place], offers.schema, around=offers.around).layout.types)
    except RecipeError:
        return {column.name: column.type for column in offers.schema}


def _errors(did: Report, place: int) -> dict[str, str]:
    """Messages by the field's path within the step; those of columns are joined."""
    found: dict[str, str] = {}
    for error in did.get("errors", []):
        field = error["field"].removeprefix(f"steps[{place}]").lstrip(".")
        found[field] = error["message"]
    return found


FIGURES = (
    ("missing", _("Missing")), ("distinct", _("Distinct")), ("mean", _("Mean")), ("sd", _("Standard deviation")),
    ("minimum", _("Lowest")), ("maximum", _("Highest")),
)  # fmt: skip


def _statistics(column: Report) -> dict[str, Any]:
    """The column's figures on both sides, those that either side has."""
    before, after = column["before"] or {}, column["after"] or {}
    names = [(key, word) for key, word in FIGURES if key in before or key in after]
    figures = [(word, before.get(key), after.get(key), before.get(key) != after.get(key)) for key, word in names]
    return {"name": column["name"], "figures": figures, "gone": column["after"] is None}


def table_of(report: Report) -> dict[str, Any]:
    """The first rows on both sides as one table: removed rows and columns, new columns, changed cells."""
    before, after = ({c["name"]: c["type"] for c in report[key]} for key in ("columns", "columns_after"))
    names = list(dict.fromkeys([*before, *after]))
    states = {name: _column_state(name, before, after, report) for name in names}
    shown = sorted(names, key=lambda name: states[name] == "")[:SHOWN_COLUMNS] if len(names) > SHOWN_COLUMNS else names
    pairs = zip(report["before"], report["after"], strict=True)
    return {
        "columns": [{"name": n, "type": after.get(n, before.get(n)), "state": states[n]} for n in shown],
        "rows": [
            {"removed": new is None, "cells": [_cell(n, states[n], old, new) for n in shown]} for old, new in pairs
        ],
        "hidden": len(names) - len(shown),
    }


def _column_state(name: str, before: Report, after: Report, report: Report) -> str:
    if name not in after:
        return "removed"
    if name not in before:
        return "added"
    pairs = zip(report["before"], report["after"], strict=True)
    return "changed" if any(new is not None and old[name] != new[name] for old, new in pairs) else ""


def _cell(name: str, column: str, old: Report, new: Report | None) -> Cell:
    if new is None or column == "removed":
        return Cell(_text(old.get(name)), "removed")
    if column == "added":
        return Cell(_text(new[name]), "added")
    same = old[name] == new[name]
    return Cell(_text(new[name])) if same else Cell(_text(new[name]), "changed", _text(old[name]))


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:120]
