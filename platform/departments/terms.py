"""Whether a grant's columns, masks and conditions fit what it is on. The app that owns the kind of object knows that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from rest.problems import invalid

Check = Callable[[UUID, Sequence[str] | None, Mapping[str, Any], Sequence[str]], None]
_checks: dict[str, Check] = {}


def contribute(kind: str, check: Check) -> None:
    """Let grants on objects of `kind` have terms: `check(id, columns, masks, rows)` raises Refused for what does not fit."""
    _checks[kind] = check


def check(
    kind: str, object_id: UUID, columns: Sequence[str] | None, masks: Mapping[str, Any], rows: Sequence[str]
) -> None:
    """Raise Refused (422) for terms that do not fit the object. No terms fit everything."""
    if columns is None and not masks and not rows:
        return
    if kind not in _checks:
        raise invalid("columns", _("only a data set has columns and rows to choose from"))
    _checks[kind](object_id, columns, masks, rows)
