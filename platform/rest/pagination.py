"""Lists: `?cursor=&limit=` answers {"results", "next", "previous"}."""

import re
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination as BaseCursorPagination
from rest_framework.request import Request

from rest.problems import invalid

CURSOR = re.compile(r"[A-Za-z0-9+/=_-]{0,500}")
NOT_OURS = "this cursor is not one that the list gave out; start without it"


class CursorPagination(BaseCursorPagination):
    """Pages by position, so that rows added meanwhile neither repeat nor hide others."""

    page_size = 50
    max_page_size = 500
    page_size_query_param = "limit"
    ordering: Any = ("-created_at", "-pk")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        self._check_limit(request)
        if not CURSOR.fullmatch(request.query_params.get(self.cursor_query_param, "")):
            raise invalid("cursor", NOT_OURS)
        try:
            return super().paginate_queryset(queryset, request, view)
        except NotFound:
            raise invalid("cursor", NOT_OURS) from None

    def _check_limit(self, request: Request) -> None:
        limit = request.query_params.get("limit")
        if limit is not None and (
            not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= self.max_page_size
        ):
            raise invalid("limit", f"got {limit[:20]!r}; expected a whole number from 1 to {self.max_page_size}")

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> Any:
        """`?ordering=name,-created_at`, from the view's fixed `ordering_fields`; ties are broken by the key."""
        asked = request.query_params.get("ordering", "")
        if not asked:
            return tuple(getattr(view, "ordering", None) or self.ordering)
        fields = tuple(part.strip() for part in asked.split(","))
        allowed = tuple(getattr(view, "ordering_fields", ("created_at",)))
        for field in fields:
            if field.removeprefix("-") not in allowed:
                raise invalid("ordering", f"cannot order by {field[:40]!r}; choose from {', '.join(allowed)}")
        return (*fields, "pk")
