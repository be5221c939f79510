"""Days and moments, stored as whole numbers, as ISO 8601; None for what lies outside the years 1 to 9999."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any


def iso_day(value: Any) -> str | None:
    """`value` days after the first of January 1970."""
    try:
        return (date(1970, 1, 1) + timedelta(days=round(float(value)))).isoformat()
    except OverflowError:
        return None


def iso_moment(value: Any) -> str | None:
    """`value` microseconds after the beginning of 1970."""
    try:
        return (datetime(1970, 1, 1) + timedelta(microseconds=round(float(value)))).isoformat()
    except OverflowError:
        return None
