"""What leaves: answers and refusals, with the headers that Django's middleware gives to the same answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string

from rest.handlers import page_500, translate
from rest.problems import CONTENT_TYPE

Headers = list[tuple[bytes, bytes]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
JSON = b"application/json"
# Those that set something on every answer, whatever was asked.
MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
_log = logging.getLogger("serving.core")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its status, its body, and headers beside those that all have. It varies by the header `vary` too."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    vary: str = ""

    async def send(self, send: Send, request_id: str) -> None:
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % len(self.body)),
            (b"x-request-id", request_id.encode()),
            *self.headers,
            *usual_headers(self.vary),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def refusal(error: Exception) -> Reply:
    """The problem document of what refused the request; a fault of ours is logged and told as 500."""
    body, headers = translate(error)
    if body is None:
        _log.error("a predict request failed", exc_info=error)
        request = HttpRequest()
        request.path = "/api/"
        return Reply(500, page_500(request).content, CONTENT_TYPE.encode())
    told = tuple((name.lower().encode(), value.encode()) for name, value in headers.items())
    return Reply(body["status"], orjson.dumps(body), CONTENT_TYPE.encode(), told)


@cache
def usual_headers(vary: str = "") -> Headers:
    """The headers of an empty answer that went through the middleware of `settings`."""
    request = HttpRequest()
    request.method, request.path = "POST", "/api/"
    request.META |= {"SERVER_NAME": "localhost", "SERVER_PORT": str(settings.PORT), "wsgi.url_scheme": "https"}
    answer: Callable[[HttpRequest], HttpResponse] = lambda request: HttpResponse(headers={"Vary": vary} if vary else {})  # noqa: E731
    for name in reversed([each for each in settings.MIDDLEWARE if each in MIDDLEWARE]):
        answer = import_string(name)(answer)
    found = answer(request)
    patch_vary_headers(found, ["Cookie"])  # a session's request to the same address is answered by Django
    return [(name.lower().encode(), value.encode()) for name, value in found.items() if name.lower() != "content-type"]
