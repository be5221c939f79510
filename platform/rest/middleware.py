"""Around every request: an id for the logs, and refusals turned into answers."""

import uuid
from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from rest.handlers import respond
from rest.problems import Refused


class RequestIdMiddleware:
    """Gives each request an id, taken from X-Request-ID where that is a UUID, and answers with it."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.is_async:
            return self._acall(request)  # type: ignore[return-value]
        self._give_id(request)
        return self._answer(request, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        self._give_id(request)
        return self._answer(request, await self.get_response(request))  # type: ignore[misc]

    def _give_id(self, request: HttpRequest) -> None:
        try:
            request.request_id = str(uuid.UUID(request.headers.get("X-Request-ID", "")))  # type: ignore[attr-defined]
        except ValueError:
            request.request_id = str(uuid.uuid4())  # type: ignore[attr-defined]

    def _answer(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


class RefusalMiddleware:
    """Turns a Refused that left a page view into its error page."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        response = respond(request, exception.as_problem(), wait=exception.retry_after)
        if exception.retry_after and request.method == "GET":
            response["Refresh"] = str(exception.retry_after)  # the page asks again by itself, also without scripts
        return response


class OneThreadMiddleware:
    """Stands last: everything before it runs as plain calls in one thread.

    Under ASGI each middleware that could be asynchronous would otherwise hand its halves to a thread and wait, some
    twenty times a request; that took longer than most answers. Asynchronous views are still awaited on the event loop.
    """

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)
