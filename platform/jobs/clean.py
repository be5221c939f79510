"""What every database stores: PostgreSQL takes no NUL in text and no NaN in JSON, SQLite takes both."""

from __future__ import annotations

import math
from typing import Any


def clean_text(text: Any) -> str:
    """Return the text without NUL characters."""
    return str(text).replace("\x00", "")


def clean_json(value: Any) -> Any:
    """Return JSON data that every database stores; numbers that JSON does not know become null."""
    if isinstance(value, dict):
        return {clean_text(key): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return clean_text(value)
