"""Lists on pages: newest first, older ones behind a link, two queries however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

SIZE = 50


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    older: str
    newest: str


def page_of(request: HttpRequest, rows: Any, size: int = SIZE) -> Page:
    """The rows from where `?before=` stands; `older` and `newest` are links, empty where there is nothing."""
    before = _read(request.GET.get("before", ""))
    ordered = rows.order_by("-created_at", "-pk")
    if before is not None:
        at, key = before
        ordered = ordered.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=key))
    found = list(ordered[: size + 1])
    query = request.GET.copy()
    query.pop("before", None)
    newest = f"?{query.urlencode()}" if before is not None else ""
    older = ""
    if len(found) > size:
        last = found[size - 1]
        query["before"] = f"{last.created_at.isoformat()}_{last.pk}"
        older = f"?{query.urlencode()}"
    return Page(found[:size], older, newest)


def _read(text: str) -> tuple[Any, UUID] | None:
    at, _line, key = text.partition("_")
    try:
        moment = parse_datetime(at.replace(" ", "+"))
        return (moment, UUID(key)) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
