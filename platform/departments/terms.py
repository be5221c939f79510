"""Whether what a grant gives fits the thing that it is on. The app of the thing knows; it registers its check here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, Mapping[str, Any]], None]
_checks: dict[str, Check] = {}


def register(kind: str, check: Check) -> None:
    """`check(target, terms)` raises Refused (422) for columns, masks and rows that do not fit."""
    _checks[kind] = check


def check(kind: str, target: Any, terms: Mapping[str, Any]) -> None:
    if kind in _checks:
        _checks[kind](target, terms)
