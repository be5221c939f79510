"""Reasons and counterfactuals as pages show them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rest.templatetags.figures import compact
from serving.explaining.alternatives import Alternatives
from serving.runtime.explain.counterfactuals import Found
from serving.runtime.explain.game import LOG_ODDS
from serving.runtime.explain.goals import outcome_of
from serving.runtime.predictor import key_of

MOST = 8  # reasons with a bar of their own; the others share one


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of the waterfall, from where the one before ended. `start` and `width` are hundredths of its breadth.

    `then` is the answer with this reason and those above it: a probability of two classes, else None.
    """

    name: str
    value: str
    contribution: float
    error: float | None
    start: float
    width: float
    then: float | None


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From the usual answer to this one. `zero` is where the usual answer stands, in hundredths of the breadth."""

    steps: list[Step]
    baseline: float
    answer: float
    usual: float | None
    here: float | None
    label: str | None
    method: str
    background: str
    zero: float


def waterfall(told: Mapping[str, Any], *, classes: int) -> Waterfall:
    """Lay out an explanation. `classes` is 0 for a value."""
    reasons = _folded(told["contributions"])
    ends = [told["baseline"]]
    for reason in reasons:
        ends.append(ends[-1] + reason["contribution"])
    low, high = min(ends), max(ends)
    breadth = (high - low) or 1.0
    steps = [
        Step(
            reason["column"],
            written(reason["value"]) if "value" in reason else "",
            reason["contribution"],
            reason.get("error"),
            100 * (min(before, after) - low) / breadth,
            max(100 * abs(after - before) / breadth, 0.6) if after != before else 0.0,
            _chance(after, classes),
        )
        for reason, before, after in zip(reasons, ends, ends[1:], strict=False)
    ]
    return Waterfall(
        steps,
        told["baseline"],
        told["answer"],
        _chance(told["baseline"], classes),
        _chance(told["answer"], classes),
        key_of(told["label"]) if told["scale"] == LOG_ODDS else None,
        told["method"],
        told["background"],
        100 * (told["baseline"] - low) / breadth,
    )


def _folded(reasons: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The strongest reasons, and the sum of the others as one; their errors as if they were independent."""
    if len(reasons) <= MOST + 1:
        return list(reasons)
    rest = reasons[MOST:]
    name = ngettext("%(n)s other input", "%(n)s other inputs", len(rest)) % {"n": len(rest)}
    folded = {"column": name, "contribution": sum(reason["contribution"] for reason in rest)}
    if "error" in rest[0]:
        folded["error"] = math.sqrt(sum(reason["error"] ** 2 for reason in rest))
    return [*reasons[:MOST], folded]


def _chance(log_odds: float, classes: int) -> float | None:
    """The probability of two classes; of more, log-odds against the others are none."""
    return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, log_odds)))) if classes == 2 else None


def written(value: Any) -> str:
    """A value of an instance as a page writes it."""
    if value is None:
        return _("not known")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return compact(value) if isinstance(value, int | float) else str(value)[:60]


@dataclass(frozen=True, slots=True)
class Way:
    """One counterfactual: (column, from, to) for each change, the answer, and what fills the form with it."""

    changes: list[tuple[str, str, str]]
    answer: str
    fill: str


def ways(found: Alternatives, names: Mapping[str, str]) -> list[Way]:
    """The ways as a page lists them. `names` leads from a column to its control in the form."""
    return [_way(found.row, way, names) for way in found.found]


def _way(row: Mapping[str, Any], way: Found, names: Mapping[str, str]) -> Way:
    changes = [(name, written(row.get(name)), written(value)) for name, value in way.changes.items()]
    fill = {names[name]: key_of(value) for name, value in way.changes.items()}
    return Way(changes, said(way.answer), json.dumps(fill))


def said(answer: Mapping[str, Any]) -> str:
    """An answer in a few words: the decision where there is one, else the label with its probability, or the value."""
    decision = outcome_of(answer)
    if "value" in answer:
        plain = compact(answer["value"])
    else:
        share = answer["probabilities"][key_of(answer["label"])]
        plain = f"{key_of(answer['label'])} ({100 * share:.1f} %)"
    if decision is None or "value" in answer:
        return plain
    return _("“%(decision)s” is decided; the model says %(answer)s") % {"decision": key_of(decision), "answer": plain}
