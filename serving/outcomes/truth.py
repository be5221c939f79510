"""Whether a value can be the truth of a target: one of its classes, or a finite number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from serving.runtime.predictor import key_of
from training.models import ModelVersion

SHOWN = 12


class NotATruth(ValueError):
    """The value cannot be what this target turned out to be; the message says what can."""


def reader_of(version: ModelVersion) -> Callable[[Any], Any]:
    """The function that reads one value: a class as it stood in the data, or a float. It raises NotATruth.

    A class may come as text too, as in a CSV file: "1" is the class 1 where that is one.
    """
    return _number if version.task == "regression" else _label_of(version.manifest.get("classes") or [])


def _number(value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise NotATruth(_("got %s; the outcome is a finite number") % _shown(value))
    return number


def _label_of(classes: list[Any]) -> Callable[[Any], Any]:
    by_key = {key_of(label): label for label in classes}
    known = ", ".join(list(by_key)[:SHOWN]) + (" …" if len(by_key) > SHOWN else "")

    def read(value: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str | bool | int | float) and (key := key_of(value)) in by_key:
            return by_key[key]
        raise NotATruth(_("got %(got)s; the outcome is one of %(known)s") % {"got": _shown(value), "known": known})

    return read


def _shown(value: Any) -> str:
    """The value as a message shows it, short. It came with the request, so it tells its sender nothing new."""
    return f"“{str(value)[:60]}”"
