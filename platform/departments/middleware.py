"""Pages know who acts (`request.actor`) and in which department (`request.department`)."""

from __future__ import annotations

from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from departments.access import Actor, actor_for
from departments.models import Department

SESSION_KEY = "department"


class ActorMiddleware:
    """Both are lazy: a request that does not ask pays nothing."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = SimpleLazyObject(lambda: actor_for(request.user))  # type: ignore[attr-defined]
        request.departments = SimpleLazyObject(lambda: _own(request.actor))  # type: ignore[attr-defined]
        request.department = SimpleLazyObject(lambda: _current(request))  # type: ignore[attr-defined]
        return self.get_response(request)


def _own(actor: Actor) -> list[Department]:
    return list(Department.objects.filter(pk__in=actor.department_ids))


def _current(request: HttpRequest) -> Department | None:
    own: list[Department] = list(request.departments)  # type: ignore[attr-defined]
    chosen = request.session.get(SESSION_KEY)
    return next((d for d in own if d.slug == chosen), own[0] if own else None)
