"""How refusals leave: problem+json for the API and for htmx, an error page for browsers."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from rest.problems import CONTENT_TYPE, Refused, flatten, problem


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: every refusal leaves as problem+json."""
    body, headers = translate(exc)
    if body is None:
        return None
    set_rollback()
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def translate(exc: Exception) -> tuple[dict[str, Any] | None, dict[str, str]]:
    if isinstance(exc, Refused):
        return exc.as_problem(), {"Retry-After": str(exc.retry_after)} if exc.retry_after else {}
    if isinstance(exc, Http404):
        return problem(404, "not_found", _("There is nothing here, or nothing that you may see.")), {}
    if isinstance(exc, PermissionDenied):
        return problem(403, "forbidden", _("You may not do this.")), {}
    if isinstance(exc, ValidationError):
        return problem(
            422, "invalid", _("The request has values that cannot be used."), errors=flatten(exc.messages)
        ), {}
    if isinstance(exc, exceptions.ValidationError):
        detail = _("The request has values that cannot be used.")
        return problem(422, "invalid", detail, errors=flatten(exc.detail)), {}
    if isinstance(exc, exceptions.APIException):
        return _from_drf(exc)
    return None, {}


def _from_drf(exc: exceptions.APIException) -> tuple[dict[str, Any], dict[str, str]]:
    headers = {}
    if getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = str(exc.auth_header)  # type: ignore[attr-defined]
    if getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(exc.wait))  # type: ignore[attr-defined]
    code = exc.get_codes()
    return problem(exc.status_code, code if isinstance(code, str) else "invalid", str(exc.detail)), headers


def wants_json(request: HttpRequest) -> bool:
    """Whether errors of this request leave as problem+json rather than as a page."""
    return request.path.startswith("/api/") or "json" in request.headers.get("Accept", "").split(",")[0]


def respond(request: HttpRequest, body: dict[str, Any], *, wait: int | None = None) -> HttpResponse:
    """Answer outside DRF: problem+json for the API and for htmx, otherwise the error page of that status."""
    if wants_json(request) or request.headers.get("HX-Request"):
        return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)
    return render(request, "errors/error.html", {"problem": body, "wait": wait}, status=body["status"])


@csrf_exempt
def not_found(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer 404 for whatever has no route."""
    return respond(request, problem(404, "not_found", _("There is nothing here, or nothing that you may see.")))


def page_400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return respond(request, problem(400, "bad_request", _("The request could not be read. Go back and try again.")))


def page_403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return respond(request, problem(403, "forbidden", _("You may not do this.")))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form sent without the token of its page: too old, or from elsewhere."""
    detail = _("This form is too old or came from another site. Load the page again, then send it once more.")
    return respond(request, problem(403, "csrf", detail))


def page_404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return not_found(request)


def page_500(request: HttpRequest) -> HttpResponse:
    detail = _(
        "Something went wrong on our side. It has been logged; try again, and tell your administrator if it stays."
    )
    return respond(request, problem(500, "internal_error", detail))
