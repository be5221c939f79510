"""The audit trail as a file: CSV for spreadsheets, or JSON Lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import orjson
from django.db.models import QuerySet

from audit.models import AuditEvent
from rest.spreadsheets import csv_line, defused

COLUMNS = (
    "sequence", "created_at", "actor_name", "actor_id", "token_id", "address", "request_id", "verb", "object_kind",
    "object_id", "object_name", "version", "department_id", "rule", "details", "mac", "chain",
)  # fmt: skip
FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


def parts(rows: QuerySet[AuditEvent], kind: str) -> Iterator[bytes]:
    """Yield the events oldest first, each with its link of the chain."""
    if kind == "csv":
        yield csv_line(COLUMNS)
    line: Callable[[AuditEvent], bytes] = _csv if kind == "csv" else _json
    for event in rows.order_by("created_at", "pk").iterator(1000):
        yield line(event)


def _csv(event: AuditEvent) -> bytes:
    return csv_line(defused(_text(getattr(event, name))) for name in COLUMNS)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)


def _json(event: AuditEvent) -> bytes:
    return orjson.dumps({name: getattr(event, name) for name in COLUMNS}, option=orjson.OPT_APPEND_NEWLINE)
