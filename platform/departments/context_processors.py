"""What every page's frame shows."""

from typing import Any

from django.http import HttpRequest

from departments.models import Notice


def frame(request: HttpRequest) -> dict[str, Any]:
    """The current department, the ones to switch to, and how many notices are unread (asked for when it is shown)."""
    if not getattr(getattr(request, "user", None), "is_authenticated", False):
        return {"current_department": None, "own_departments": []}

    def unread() -> int:
        return Notice.objects.filter(person=request.user.pk, read_at=None)[:100].count()

    return {
        "current_department": request.department,  # type: ignore[attr-defined]
        "own_departments": request.departments,  # type: ignore[attr-defined]
        "unread_notices": unread,
    }
