"""The policy page's form: settings from its fields, and the table that its sliders read."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.http import QueryDict

from serving.inputs import inputs_of
from serving.policies.evaluation import Evaluation, grid_of, table_of
from serving.policies.settings import AMOUNTS, Settings
from serving.runtime.decisions import thresholds
from serving.runtime.decisions.judging import Held
from serving.runtime.decisions.policy import REVIEW, Chosen, Policy
from serving.runtime.decisions.rules import COMPARE, PRESENCE
from serving.runtime.predictor import key_of
from serving.what_if import value_of
from training.models import ModelVersion

REVIEW_CHOICE = ""  # what the menu of a rule's decisions says for “a person decides”
SPARE_LINES = 1


def settings_from(form: QueryDict, version: ModelVersion) -> dict[str, Any]:
    """What the fields ask for, unchecked: unreadable text stays text and is refused where it is checked."""
    costs: dict[str, Any] = {name: form.get(f"cost-{name}", "") for name in (*AMOUNTS[version.task], "unit", "review")}
    asked: dict[str, Any] = {"costs": costs, "rules": _rules(form, version), "locked": form.getlist("locked")}
    if version.task == "multiclass":
        k = range(len(version.manifest["classes"]))
        costs["matrix"] = [[form.get(f"cost-{t}-{d}", "0") for d in k] for t in k]
        asked["review"] = {"below": _number(form, "below")} if form.get("band") else None
    else:
        asked["review"] = {"low": _number(form, "low"), "high": _number(form, "high")} if form.get("band") else None
    if version.task == "regression":
        return {**asked, "shift": _number(form, "shift")}
    asked["calibration"] = form.get("calibration", "none")
    if version.task == "binary":
        asked |= {"positive": form.get("positive"), "threshold": _number(form, "threshold")}
    return asked


def _number(form: QueryDict, name: str) -> Any:
    return value_of(form.get(name, "").strip(), "number")


def _rules(form: QueryDict, version: ModelVersion) -> list[dict[str, Any]]:
    """Lines with the same name are conditions of one rule, which decides as its first line says."""
    types = {column.name: column.type for column in inputs_of(version)}
    names = ("rule-name", "rule-column", "rule-op", "rule-value", "rule-decide")
    found: dict[str, dict[str, Any]] = {}
    for name, column, op, value, decide in zip(*map(form.getlist, names), strict=False):
        if not name.strip():
            continue
        rule = found.setdefault(name.strip(), {"name": name.strip(), "when": [], **_decided(decide, version)})
        rule["when"].append(_condition(column, op, value.strip(), types.get(column, "text")))
    return list(found.values())


def _decided(text: str, version: ModelVersion) -> dict[str, Any]:
    if text.strip() == REVIEW_CHOICE:
        return {"review": True}
    return {"decide": value_of(text.strip(), "number") if version.task == "regression" else text}


def _condition(column: str, op: str, value: str, type_: str) -> dict[str, Any]:
    if op in PRESENCE:
        return {"column": column, "op": op}
    if op in COMPARE and COMPARE[op][1]:
        parts = [value_of(part.strip(), type_) for part in value.split(",") if part.strip()]
        return {"column": column, "op": op, "value": parts}
    return {"column": column, "op": op, "value": value_of(value, type_)}


def rule_lines(settings: Settings) -> list[dict[str, str]]:
    """The rules as lines of the form, and an empty one."""
    lines = []
    for rule in settings["rules"]:
        for each in rule["when"]:
            value = each.get("value")
            shown = ", ".join(map(key_of, value)) if isinstance(value, list) else "" if value is None else key_of(value)
            decide = REVIEW_CHOICE if rule.get("review") else key_of(rule["decide"])
            lines.append({**each, "name": rule["name"], "value": shown, "decide": decide})
    return lines + [{"name": "", "column": "", "op": "eq", "value": "", "decide": REVIEW_CHOICE}] * SPARE_LINES


def slider_data(evaluation: Evaluation) -> dict[str, Any] | None:
    """What the page's script reads; None where there is nothing to slide: no held-out rows, or more than two classes."""
    if evaluation.held is None:
        return None
    if evaluation.version.task == "binary":
        return _thresholds(evaluation)
    return _shifts(evaluation) if evaluation.version.task == "regression" else None


def _thresholds(evaluation: Evaluation) -> dict[str, Any]:
    assert evaluation.held is not None
    policy, held, settings = evaluation.policy, evaluation.held, evaluation.settings
    chosen = [settings["threshold"], *(settings["review"] or {}).values()]
    grid = grid_of(policy, held.fit, held.test, extra=tuple(chosen))
    return {
        "task": "binary",
        "grid": grid.tolist(),
        "test": table_of(policy, held.test, grid).as_json(),
        "fit": table_of(policy, held.fit, grid).as_json(),
        "now": _now(evaluation, grid),
        "before": _sides(policy, held.test, evaluation.chosen_before),
    }


def _now(evaluation: Evaluation, grid: np.ndarray) -> dict[str, Any]:
    """How the rows that the slider decides lie by what is decided of them now: 0 against, 1 for, 2 by a person."""
    policy, free = evaluation.policy, evaluation.chosen.rule < 0
    scores = evaluation.chosen.probabilities[:, policy.positive]
    now = _codes(policy, evaluation.chosen_before)
    ruled = (_codes(policy, evaluation.chosen) != now) & ~free
    return {
        "above": [thresholds.at_or_above(grid, scores[free & (now == code)]).tolist() for code in (0, 1, 2)],
        "totals": [int((free & (now == code)).sum()) for code in (0, 1, 2)],
        "ruled": int(ruled.sum()),
    }


def _codes(policy: Policy, chosen: Chosen) -> np.ndarray:
    result: np.ndarray = np.where(chosen.codes == REVIEW, 2, np.where(chosen.codes == policy.positive, 1, 0))
    return result


def _sides(policy: Policy, held: Held, chosen: Chosen) -> list[list[int]]:
    """[truth][decision] with the positive class as 1, and a third column for what goes to a person."""
    codes, positive = _codes(policy, chosen), held.truth == policy.positive
    return [[int(((codes == code) & (positive == truth)).sum()) for code in (0, 1, 2)] for truth in (False, True)]


def _shifts(evaluation: Evaluation) -> dict[str, Any]:
    """Rules and review settle their rows whatever the shift: `fixed` sums their overshoot and undershoot."""
    assert evaluation.held is not None
    held, chosen = evaluation.held.test, evaluation.chosen
    free = (chosen.rule < 0) & ~chosen.reviewed
    residual = (held.truth - held.prediction[:, 0])[free]
    fit = evaluation.held.fit
    grid = thresholds.shift_grid(fit.truth - fit.prediction[:, 0], (0.0, evaluation.settings["shift"]))
    table = thresholds.shifts(grid, residual)
    gap = (chosen.codes - held.truth)[(chosen.rule >= 0) & ~chosen.reviewed]
    before = evaluation.judged_before
    fitted = thresholds.shifts(grid, fit.truth - fit.prediction[:, 0])
    return {
        "task": "regression", "grid": grid.tolist(), "rows": len(held), "reviewed": int(chosen.reviewed.sum()),
        "over": table.over.tolist(), "under": table.under.tolist(),
        "fit": {"over": fitted.over.tolist(), "under": fitted.under.tolist()},
        "fixed": [float(np.maximum(gap, 0).sum()), float(np.maximum(-gap, 0).sum())],
        "before": {"over": before.over, "under": before.under, "reviewed": before.reviewed},
    }  # fmt: skip
