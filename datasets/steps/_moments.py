"""Dates and times as one-row functions see them: objects or ISO text, with or without a zone."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any


def moment(value: Any) -> datetime:
    """A date, a time or its ISO text as a time without zone; a time with a zone is taken to UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


PARTS: dict[str, Callable[[datetime], int]] = {
    "year": lambda value: value.year,
    "month": lambda value: value.month,
    "day": lambda value: value.day,
    "weekday": lambda value: value.isoweekday(),
    "hour": lambda value: value.hour,
    "quarter": lambda value: (value.month + 2) // 3,
}


def stored(value: Any) -> Any:
    """A table's value as JSON: a date as ISO text, what is no finite number as missing."""
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def taken_out(value: Any, type_: str) -> Any:
    """The value that was stored, as the table holds it."""
    read: Callable[[str], Any] | None = {"date": date.fromisoformat, "datetime": datetime.fromisoformat}.get(type_)
    return read(value) if read and value is not None else value
