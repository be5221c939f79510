"""A DRF view without what costs most in DRF, for answers that take microseconds: same callers, same refusals."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any, cast

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, NotAuthenticated, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import TokenAuthentication
from accounts.models import ApiToken
from departments.access import Actor, actor_for
from rest.handlers import exception_handler
from rest.problems import Refused
from serving import asking
from serving.runtime.tally import REFUSALS


class LeanView(APIView):
    """Authenticates by bearer token or by the browser's session (with CSRF), and hands the handler the actor.

    Handlers take the plain Django request and return a plain response; no parser, renderer or throttle runs.
    `arrived` is when the request came, by `perf_counter_ns`; `admitted` the deployment that the caller was let in to
    predict with, whose refusals are counted from then on.
    """

    arrived: int
    admitted = ""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.arrived = perf_counter_ns()
        try:
            handler = getattr(self, str(request.method).lower(), None)
            if handler is None or request.method not in {"GET", "POST"}:
                raise MethodNotAllowed(str(request.method))
            actor, token = self._caller(request)
            return cast(HttpResponseBase, handler(request, actor, token, *args, **kwargs))
        except Exception as refused:
            answer = self._refuse(refused, request)
            if self.admitted:
                REFUSALS.add(self.admitted, answer.status_code)
            return answer

    def _caller(self, request: HttpRequest) -> tuple[Actor, ApiToken | None]:
        found = TokenAuthentication().authenticate(cast(Request, request))
        if found is not None:
            return actor_for(*found), found[1]
        if not request.user.is_authenticated:
            raise NotAuthenticated
        SessionAuthentication().enforce_csrf(cast(Request, request))
        return actor_for(request.user), None

    def _refuse(self, exc: Exception, request: HttpRequest) -> HttpResponse:
        if isinstance(exc, AuthenticationFailed | NotAuthenticated):
            exc.auth_header = 'Bearer realm="atrium"'  # type: ignore[union-attr]
        answer = exception_handler(exc, {"request": request, "view": self})
        if answer is None:
            raise exc
        headers = {name: value for name, value in answer.items() if name.lower() != "content-type"}
        body, kind = orjson.dumps(answer.data), "application/problem+json"
        return HttpResponse(body, status=answer.status_code, content_type=kind, headers=headers)


def json_body(request: HttpRequest) -> bytes:
    """The body of a JSON request, unpacked. Raises what becomes 400, 413 or 415."""
    if request.content_type != "application/json":
        raise UnsupportedMediaType(request.content_type or "none", "Send the header Content-Type: application/json.")
    try:
        body = request.body
    except RequestDataTooBig:
        raise Refused("too_large", "The body is larger than 16 MB; send fewer instances.", status=413) from None
    return asking.unpacked(body, request.headers.get("Content-Encoding", ""))
