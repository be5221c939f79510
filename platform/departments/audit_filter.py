"""How the trail is searched, by page, API and export alike."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.forms import DateTimeField
from django.utils import timezone
from django.utils.dateparse import parse_date

from audit.models import AuditEvent
from departments.models import Department

SEARCHED = ("actor_name", "verb", "object_name", "object_id", "rule", "request_id", "address")


class _Moment(DateTimeField):
    """ISO 8601: a moment, or a day; `last` stands for the end of the day."""

    def __init__(self, *args: Any, last: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last = last

    def to_python(self, value: Any) -> datetime | None:
        day = parse_date(value) if isinstance(value, str) and len(value) == 10 else None
        if day is None:
            return super().to_python(value)
        return datetime.combine(day + timedelta(days=self.last), time(), tzinfo=timezone.get_default_timezone())


class _MomentFilter(django_filters.Filter):
    field_class = _Moment


class AuditFilter(django_filters.FilterSet):
    """`?search=alice&department=clinic&verb=dataset.create&since=2026-01-01&until=2026-01-31`; both days included."""

    search = django_filters.CharFilter(method="filter_search")
    department = django_filters.CharFilter(method="filter_department")
    since = _MomentFilter(field_name="created_at", lookup_expr="gte")
    until = _MomentFilter(field_name="created_at", lookup_expr="lt", last=True)

    class Meta:
        model = AuditEvent
        fields: dict[str, Any] = {
            name: ["exact"] for name in ("verb", "actor_name", "object_kind", "object_id", "rule")
        }

    def filter_search(self, rows: QuerySet[AuditEvent], _name: str, value: str) -> QuerySet[AuditEvent]:
        """Every word stands somewhere in the event."""
        for word in value.replace("\x00", "").split()[:8]:
            condition = Q()
            for field in SEARCHED:
                condition |= Q(**{f"{field}__icontains": word})
            rows = rows.filter(condition)
        return rows

    def filter_department(self, rows: QuerySet[AuditEvent], _name: str, value: str) -> QuerySet[AuditEvent]:
        return rows.filter(department_id__in=Department.objects.filter(slug=value).values("pk"))
