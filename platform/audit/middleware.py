"""Gives every request its origin, which sign-in and token checks complete."""

from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from audit.context import Origin, acting


class AuditContextMiddleware:
    """Within the request, audit events carry its person, address and id."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.is_async:
            return self._acall(request)  # type: ignore[return-value]
        with acting(origin_of(request)):
            return self.get_response(request)

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        origin = Origin(address=request.META.get("REMOTE_ADDR", "")[:45], request_id=getattr(request, "request_id", ""))
        user = await request.auser()
        complete(origin, user)
        with acting(origin):
            return await self.get_response(request)  # type: ignore[misc,no-any-return]


def origin_of(request: HttpRequest) -> Origin:
    """Return who sends the request, by session, and from where."""
    origin = Origin(address=request.META.get("REMOTE_ADDR", "")[:45], request_id=getattr(request, "request_id", ""))
    complete(origin, request.user)
    return origin


def complete(origin: Origin, user: object) -> None:
    """Fill in the person once one is known."""
    if getattr(user, "is_authenticated", False):
        origin.actor_id = user.pk  # type: ignore[attr-defined]
        origin.actor_name = str(user)
