"""The audit trail as a page, for a department or for the whole platform: newest first, searched, by cursor."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from audit.models import AuditEvent, AuditHead
from departments.audit_filter import AuditFilter
from departments.models import Department

SHOWN = 50
KEPT = ("search", "department", "since", "until")


def audit_page(rows: QuerySet[AuditEvent], asked: QueryDict) -> dict[str, Any]:
    """Return what the templates show of `rows` for `?search=&department=&since=&until=&before=`."""
    chosen = {name: text.strip()[:100] for name in KEPT if (text := asked.get(name, "").replace("\x00", ""))}
    filtered = AuditFilter(chosen, queryset=rows)
    found = filtered.qs if filtered.is_valid() else rows.none()
    before = _moment(asked.get("before", ""))
    events = list((found.filter(created_at__lt=before) if before else found)[: SHOWN + 1])
    departments = Department.objects.in_bulk({event.department_id for event in events if event.department_id})
    return {
        "events": [
            (event, departments.get(event.department_id) if event.department_id else None) for event in events[:SHOWN]
        ],
        "chosen": chosen,
        "errors": filtered.errors,
        "older": "?" + urlencode({**chosen, "before": events[SHOWN - 1].created_at.isoformat()})
        if events[SHOWN:]
        else "",
        "export_query": urlencode(chosen),
        "head": AuditHead.objects.filter(pk=1).first(),
    }


def _moment(text: str) -> Any:
    try:
        return parse_datetime(text)
    except ValueError:
        return None
