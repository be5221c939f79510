"""The audit trail as a page: newest first, searched, by cursor."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from audit.models import AuditEvent
from departments.models import Department

SHOWN = 50


def audit_page(asked: QueryDict) -> dict[str, Any]:
    """Return what the template shows for `?q=&department=&before=`."""
    query, slug = asked.get("q", "").replace("\x00", "")[:100].strip(), asked.get("department", "")[:60]
    departments = {department.pk: department for department in Department.objects.all()}
    rows = _searched(AuditEvent.objects.all(), query)
    if slug:
        rows = rows.filter(department_id__in=[pk for pk, department in departments.items() if department.slug == slug])
    before = _moment(asked.get("before", ""))
    if before:
        rows = rows.filter(created_at__lt=before)
    events = list(rows[: SHOWN + 1])
    return {
        "events": [
            (event, departments.get(event.department_id) if event.department_id else None) for event in events[:SHOWN]
        ],
        "departments": departments.values(),
        "query": query,
        "chosen": slug,
        "older": _older(events, query, slug),
    }


def _searched(rows: QuerySet[AuditEvent], query: str) -> QuerySet[AuditEvent]:
    fields = ("actor_name", "verb", "object_name", "object_id", "rule", "request_id", "address")
    condition = Q()
    for field in fields:
        condition |= Q(**{f"{field}__icontains": query})
    return rows.filter(condition) if query else rows


def _moment(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def _older(events: list[AuditEvent], query: str, slug: str) -> str:
    if len(events) <= SHOWN:
        return ""
    return "?" + urlencode({"q": query, "department": slug, "before": events[SHOWN - 1].created_at.isoformat()})
