"""Dates and times as one-row functions see them: objects or ISO text, with or without a zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
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
