"""What every page's frame shows."""

from typing import Any

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, Any]:
    """The current department and the ones to switch to."""
    if not getattr(getattr(request, "user", None), "is_authenticated", False):
        return {"current_department": None, "own_departments": []}
    return {"current_department": request.department, "own_departments": request.departments}  # type: ignore[attr-defined]
