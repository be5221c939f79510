"""Lists: `?cursor=&limit=` answers {"results", "next", "previous"}."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination as BaseCursorPagination
from rest_framework.request import Request

from rest.problems import invalid


class CursorPagination(BaseCursorPagination):
    """Pages by position, so that rows added meanwhile neither repeat nor hide others."""

    page_size = 50
    max_page_size = 500
    page_size_query_param = "limit"
    ordering: Any = ("-created_at", "-pk")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        self._check_limit(request)
        try:
            return super().paginate_queryset(queryset, request, view)
        except NotFound:
            raise invalid("cursor", "this cursor is not one that the list gave out; start without it") from None

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
