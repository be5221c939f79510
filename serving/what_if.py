"""The try-it form of a model version: a control for each input, and an answer beside the one before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.utils.translation import gettext as _

from rest.templatetags.figures import compact
from serving.inputs import inputs_of
from serving.runtime.faults import Fault
from serving.runtime.inputs import Input
from serving.runtime.predictor import key_of
from training.models import ModelVersion

FIRST = 12  # controls that are shown at once; a wide model folds the rest away
CHOICES = 60  # categories that a menu can hold; more are typed, with suggestions
LABELS = 10


@dataclass(frozen=True, slots=True)
class Control:
    """One input as a form shows it. `low`, `high` and `step` are the slider's, None where training saw no range."""

    column: Input
    name: str
    low: float | None = None
    high: float | None = None
    step: float | None = None

    @property
    def kind(self) -> str:
        """number, choice, boolean, date, datetime or text: which control is drawn."""
        if self.column.type in ("integer", "number"):
            return "number"
        if self.column.type == "text" and 0 < len(self.column.categories) <= CHOICES:
            return "choice"
        return self.column.type

    @property
    def value(self) -> str:
        return "" if self.column.example is None else key_of(self.column.example)


def controls_of(version: ModelVersion) -> list[Control]:
    """A control for each column that the version reads, in its order."""
    return [_control(column, f"x{index}") for index, column in enumerate(inputs_of(version))]


def _control(column: Input, name: str) -> Control:
    low, high = column.minimum, column.maximum
    if column.type not in ("integer", "number") or low is None or high is None or not low < high:
        return Control(column, name)
    step = 10.0 ** math.floor(math.log10((high - low) / 50))
    step = max(step, 1.0) if column.type == "integer" else step
    rounded = math.ceil(low / step) * step, math.floor(high / step) * step
    return Control(column, name, *rounded, step) if rounded[0] < rounded[1] else Control(column, name, low, high, step)


def instance_from(form: Mapping[str, str], version: ModelVersion) -> dict[str, Any]:
    """The instance that the form's texts mean. An empty control is a missing value; unreadable text stays text."""
    pairs = [(control.column, form.get(control.name, "").strip()) for control in controls_of(version)]
    return {column.name: value_of(text, column.type) for column, text in pairs if text}


def value_of(text: str, type_: str) -> Any:
    if type_ in ("integer", "number"):
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            return text
    return {"true": True, "false": False}.get(text, text) if type_ == "boolean" else text


def notes_on(instance: Mapping[str, Any], version: ModelVersion) -> list[str]:
    """What makes the answer less sure than it looks: values that training never saw the like of."""
    notes = []
    for column in inputs_of(version):
        value = instance.get(column.name)
        if column.outside(value):
            values = {"name": column.name, "low": compact(column.minimum), "high": compact(column.maximum)}
            notes.append(_("“%(name)s” lies outside what training saw (%(low)s to %(high)s).") % values)
        elif column.unknown(value):
            values = {"name": column.name, "value": str(value)[:40]}
            notes.append(_("Training never saw “%(value)s” in “%(name)s”; it counts as unknown.") % values)
    return notes


def faults_shown(faults: list[Fault]) -> list[tuple[str, str]]:
    """(column, message) in the page's language."""
    return [(fault.field.partition(".")[2] or fault.field, _(fault.text) % fault.values) for fault in faults]


@dataclass(frozen=True, slots=True)
class Bar:
    """One label's probability, and its change in percentage points since the answer before."""

    label: str
    share: float
    change: float | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as the page shows it. `memory` travels with the form, so that the next answer can show the change."""

    label: str | None
    value: float | None
    change: float | None
    bars: list[Bar]
    memory: str


def show(answer: Mapping[str, Any], memory: str) -> Shown:
    """Put an answer beside the one in `memory`, if there is one."""
    before = _recall(memory)
    if "value" in answer:
        value, known = answer["value"], before.get("")
        change = value - known if known is not None else None
        return Shown(None, value, change, [], orjson.dumps({"": value}).decode())
    shares: Mapping[str, float] = answer["probabilities"]
    bars = [Bar(key, share, _points(share, before.get(key))) for key, share in shares.items()]
    bars.sort(key=lambda bar: -bar.share)
    return Shown(key_of(answer["label"]), None, None, bars[:LABELS], orjson.dumps(shares).decode())


def _points(share: float, before: float | None) -> float | None:
    return None if before is None else (share - before) * 100


def _recall(memory: str) -> dict[str, float]:
    """Whatever the browser sent back is read as numbers or not at all."""
    try:
        found = orjson.loads(memory)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
