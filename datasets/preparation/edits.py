"""The recipe page's acts: each turns the list of steps into a new one and says which step is then chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from datasets.recipe import STEPS
from plugins.params import read_form
from rest.problems import invalid

Steps = list[dict[str, Any]]
Edited = tuple[Steps, int | None]


def add(steps: Steps, form: QueryDict) -> Edited:
    """Append a step, with the columns and parameters that the form names or with its defaults."""
    name = form.get("step", "")
    params = read_form(STEPS[name].params, form.getlist, "params.") if name in STEPS else {}
    return [*steps, {"step": name, "columns": form.getlist("columns"), "params": params}], len(steps)


def remove(steps: Steps, form: QueryDict) -> Edited:
    at = _index(steps, form, "index")
    left = steps[:at] + steps[at + 1 :]
    return left, min(at, len(left) - 1) if left else None


def move(steps: Steps, form: QueryDict) -> Edited:
    """Take the step from `index` to the place `to`."""
    return _moved(steps, _index(steps, form, "index"), _index(steps, form, "to"))


def up(steps: Steps, form: QueryDict) -> Edited:
    at = _index(steps, form, "index")
    return _moved(steps, at, max(at - 1, 0))


def down(steps: Steps, form: QueryDict) -> Edited:
    at = _index(steps, form, "index")
    return _moved(steps, at, min(at + 1, len(steps) - 1))


def _moved(steps: Steps, at: int, to: int) -> Edited:
    left = steps[:at] + steps[at + 1 :]
    return [*left[:to], steps[at], *left[to:]], to


def toggle(steps: Steps, form: QueryDict) -> Edited:
    """Switch a step off, or on again."""
    at = _index(steps, form, "index")
    return _with(steps, at, {"enabled": not steps[at].get("enabled", True)}), at


def settings(steps: Steps, form: QueryDict) -> Edited:
    """Take a step's columns and parameters from its form."""
    at = _index(steps, form, "index")
    params = read_form(STEPS[steps[at]["step"]].params, form.getlist, "params.")
    return _with(steps, at, {"columns": form.getlist("columns"), "params": params}), at


ACTS: dict[str, Callable[[Steps, QueryDict], Edited]] = {
    "add": add,
    "remove": remove,
    "move": move,
    "up": up,
    "down": down,
    "toggle": toggle,
    "settings": settings,
}


def _with(steps: Steps, at: int, values: dict[str, Any]) -> Steps:
    return [{**step, **values} if place == at else step for place, step in enumerate(steps)]


def _index(steps: Steps, form: QueryDict, field: str) -> int:
    at = whole(form.get(field, ""))
    if at is None or at >= len(steps):
        raise invalid(field, _("the recipe has no such step; it was changed meanwhile, so load the page anew"))
    return at


def whole(text: str | None) -> int | None:
    """A small whole number, or None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None
