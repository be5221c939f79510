"""A policy's settings as people write them, checked against the model that they are for.

binary      {"calibration", "positive", "threshold": 0.3 | "least-cost", "review": {"low", "high"} | null | "least-cost",
             "costs": {"unit", "tp", "fp", "fn", "tn", "review"}, "rules", "locked"}
multiclass  {"calibration", "review": {"below"} | null, "costs": {"unit", "matrix": [[…]], "review"}, "rules", "locked"}
regression  {"shift": 0 | "least-cost", "review": {"low", "high"} | null, "costs": {"unit", "over", "under", "review"}, …}

`matrix[truth][decision]` is in the order of the model's classes. Amounts are decimals, kept as text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from rest.problems import Refused
from serving.inputs import inputs_of
from serving.runtime.decisions.calibration import METHODS
from serving.runtime.decisions.money import amount
from serving.runtime.decisions.rules import COMPARE, OPERATORS, ORDERED, PRESENCE
from serving.runtime.faults import Unfit
from serving.runtime.inputs import READERS, Input
from serving.runtime.predictor import key_of
from training.models import ModelVersion

LEAST_COST = "least-cost"
MOST_RULES, MOST_CONDITIONS, MOST_VALUES, MOST_CLASSES = 50, 10, 200, 50
NAME, UNIT = 80, 40
AMOUNTS = {"binary": ("tp", "fp", "fn", "tn"), "multiclass": (), "regression": ("over", "under")}

Settings = dict[str, Any]


@dataclass
class _Check:
    """Collects what is wrong by its path, so that one answer names everything."""

    version: ModelVersion
    errors: list[dict[str, str]] = field(default_factory=list)

    def wrong(self, path: str, message: object) -> None:
        self.errors.append({"field": path, "message": str(message)})

    def attempt(self, path: str, read: Callable[[Any], Any], value: Any, otherwise: Any) -> Any:
        try:
            return read(value)
        except (ValueError, Unfit) as error:
            self.wrong(path, error)
            return otherwise

    @property
    def classes(self) -> list[Any]:
        return list(self.version.manifest.get("classes") or [])


def checked(version: ModelVersion, asked: Any) -> Settings:
    """The settings with every part filled in. Raises Refused (422) that names everything that does not fit."""
    check = _Check(version)
    given: Mapping[str, Any] = asked if isinstance(asked, dict) else {}
    if not isinstance(asked, dict):
        check.wrong("settings", _("a policy is an object"))
    for name in sorted(set(given) - _members(version.task)):
        check.wrong(
            str(name)[:NAME],
            _("unknown member; a policy for this model has %s") % ", ".join(sorted(_members(version.task))),
        )
    found = {"costs": _costs(check, given.get("costs")), "review": _review(check, given.get("review"))}
    found |= _head(check, given)
    found["rules"] = _rules(check, given.get("rules") or [])
    found["locked"] = _locked(check, given.get("locked") or [])
    _together(check, found)
    if check.errors:
        detail = _("The policy has settings that cannot be used. Each error names the place.")
        raise Refused("invalid", detail, status=422, errors=check.errors[:50])
    return found


def _members(task: str) -> set[str]:
    own = {"binary": {"calibration", "positive", "threshold"}, "multiclass": {"calibration"}, "regression": {"shift"}}
    return {"review", "costs", "rules", "locked"} | own[task]


def _head(check: _Check, given: Mapping[str, Any]) -> Settings:
    task = check.version.task
    if task == "regression":
        return {"shift": _or_least(check, "shift", given.get("shift", 0.0), number)}
    method = given.get("calibration", "none")
    if method not in METHODS:
        check.wrong("calibration", _("choose one of %s") % ", ".join(METHODS))
    if task == "multiclass":
        return {"calibration": method}
    return {
        "calibration": method,
        "positive": _label(check, "positive", given.get("positive", check.classes[1])),
        "threshold": _or_least(check, "threshold", given.get("threshold", LEAST_COST), share),
    }


def _or_least(check: _Check, path: str, value: Any, read: Callable[[Any], float]) -> Any:
    return value if value == LEAST_COST else check.attempt(path, read, value, 0.0)


def number(value: Any) -> float:
    """Raises ValueError for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(_("expected a finite number"))
    return float(value)


def share(value: Any) -> float:
    """Raises ValueError for what is no probability."""
    found = number(value)
    if not 0 <= found <= 1:
        raise ValueError(_("expected a number from 0 to 1"))
    return found


def _label(check: _Check, path: str, value: Any) -> Any:
    by_key = {key_of(label): label for label in check.classes}
    key = key_of(value) if isinstance(value, str | int | float | bool) else ""
    if key not in by_key:
        check.wrong(path, _("choose one of the model's classes: %s") % ", ".join(list(by_key)[:12]))
    return by_key.get(key, check.classes[-1] if check.classes else None)


def _review(check: _Check, given: Any) -> Any:
    if given is None or (given == LEAST_COST and check.version.task == "binary"):
        return given
    names = {"below"} if check.version.task == "multiclass" else {"low", "high"}
    if not isinstance(given, dict) or set(given) != names:
        check.wrong("review", _("expected null or an object with %s") % ", ".join(sorted(names)))
        return None
    read = number if check.version.task == "regression" else share
    found = {name: check.attempt(f"review.{name}", read, given[name], 0.0) for name in sorted(names)}
    if "low" in found and found["low"] > found["high"]:
        check.wrong("review.low", _("the lower edge lies above the upper one"))
    return found


def _costs(check: _Check, given: Any) -> Settings:
    given = {} if given is None else given
    task = check.version.task
    names = {*AMOUNTS[task], "unit", "review"} | ({"matrix"} if task == "multiclass" else set())
    if not isinstance(given, dict) or set(given) - names:
        check.wrong("costs", _("expected an object with %s") % ", ".join(sorted(names)))
        return _costs(check, {})
    unit = given.get("unit", "EUR")
    if not isinstance(unit, str) or not 0 < len(unit.strip()) <= UNIT:
        check.wrong("costs.unit", _("expected a currency or unit of 1 to %s characters") % UNIT)
    usual = {"tp": "0", "fp": "1", "fn": "1", "tn": "0", "over": "1", "under": "1"}
    found: Settings = {name: _amount(check, f"costs.{name}", given.get(name, usual[name])) for name in AMOUNTS[task]}
    if task == "multiclass":
        found["matrix"] = _matrix(check, given.get("matrix"))
    if task == "regression":
        for name in AMOUNTS[task]:
            if amount(found[name]) < 0:
                check.wrong(f"costs.{name}", _("an error cannot be a gain here; expected 0 or more"))
    return {
        "unit": str(unit).strip()[:UNIT],
        **found,
        "review": _amount(check, "costs.review", given.get("review", "0")),
    }


def _amount(check: _Check, path: str, value: Any) -> str:
    return str(check.attempt(path, amount, value, "0"))


def _matrix(check: _Check, given: Any) -> list[list[str]]:
    k = len(check.classes)
    if k > MOST_CLASSES:
        check.wrong("costs.matrix", _("policies are for models of at most %s classes") % MOST_CLASSES)
    if given is None:
        return [[str(int(truth != decision)) for decision in range(k)] for truth in range(k)]
    if (
        not isinstance(given, list)
        or len(given) != k
        or any(not isinstance(row, list) or len(row) != k for row in given)
    ):
        check.wrong("costs.matrix", _("expected %(k)s rows of %(k)s amounts, one row a true class") % {"k": k})
        return []
    return [
        [_amount(check, f"costs.matrix[{t}][{d}]", value) for d, value in enumerate(row)] for t, row in enumerate(given)
    ]


def _rules(check: _Check, given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or len(given) > MOST_RULES:
        check.wrong("rules", _("expected a list of at most %s rules") % MOST_RULES)
        return []
    columns = {column.name: column for column in inputs_of(check.version)}
    found = [rule for i, item in enumerate(given) if (rule := _rule(check, f"rules[{i}]", item, columns))]
    names = [rule["name"] for rule in found]
    for i, name in enumerate(names):
        if names.index(name) != i:
            check.wrong(f"rules[{i}].name", _("two rules have this name"))
    return found


def _rule(check: _Check, path: str, item: Any, columns: Mapping[str, Input]) -> dict[str, Any] | None:
    if not isinstance(item, dict) or set(item) - {"name", "when", "decide", "review"}:
        check.wrong(path, _('a rule is {"name", "when": […], "decide": …} or has "review": true instead of "decide"'))
        return None
    name = item.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= NAME:
        check.wrong(f"{path}.name", _("expected a name of 1 to %s characters") % NAME)
    when = item.get("when")
    if not isinstance(when, list) or not 1 <= len(when) <= MOST_CONDITIONS:
        check.wrong(f"{path}.when", _("expected 1 to %s conditions") % MOST_CONDITIONS)
        when = []
    conditions = [_condition(check, f"{path}.when[{i}]", each, columns) for i, each in enumerate(when)]
    found: dict[str, Any] = {"name": str(name).strip()[:NAME], "when": [each for each in conditions if each]}
    if item.get("review") is True and item.get("decide") is None:
        return {**found, "review": True}
    if check.version.task == "regression":
        return {**found, "decide": check.attempt(f"{path}.decide", number, item.get("decide"), 0.0)}
    return {**found, "decide": _label(check, f"{path}.decide", item.get("decide"))}


def _condition(check: _Check, path: str, item: Any, columns: Mapping[str, Input]) -> dict[str, Any] | None:
    if not isinstance(item, dict) or set(item) - {"column", "op", "value"}:
        check.wrong(path, _('a condition is {"column", "op", "value"}'))
        return None
    column, op = columns.get(str(item.get("column"))), item.get("op")
    if column is None:
        check.wrong(f"{path}.column", _("the model reads no such column; it reads %s") % ", ".join(list(columns)[:20]))
    if op not in OPERATORS:
        check.wrong(f"{path}.op", _("choose one of %s") % ", ".join(OPERATORS))
    if column is None or op not in OPERATORS:
        return None
    if op in ORDERED and column.type in ("text", "boolean"):
        check.wrong(f"{path}.op", _("“%s” has no order") % column.name)
    if op in PRESENCE:
        return {"column": column.name, "op": op}
    return {"column": column.name, "op": op, "value": _value(check, f"{path}.value", item.get("value"), column, op)}


def _value(check: _Check, path: str, value: Any, column: Input, op: str) -> Any:
    """Read as a request's value is: what the rule compares with is what the model would be given."""
    read = READERS[column.type]
    if not COMPARE[op][1]:
        return check.attempt(path, read, value, None)
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
        check.wrong(path, _("expected a list of 1 to %s values") % MOST_VALUES)
        return []
    return [check.attempt(f"{path}[{i}]", read, each, None) for i, each in enumerate(value)]


def _locked(check: _Check, given: Any) -> list[str]:
    names = [column.name for column in inputs_of(check.version)]
    if not isinstance(given, list):
        check.wrong("locked", _("expected a list of columns"))
        return []
    for i, name in enumerate(given):
        if name not in names:
            check.wrong(f"locked[{i}]", _("the model reads no such column; it reads %s") % ", ".join(names[:20]))
    return [name for name in names if name in given]


def _together(check: _Check, found: Settings) -> None:
    review, threshold = found["review"], found.get("threshold")
    if isinstance(review, dict) and isinstance(threshold, float) and not review["low"] <= threshold <= review["high"]:
        check.wrong("threshold", _("the threshold lies outside the band for review"))
