"""Large answers in parts, on either kind of server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def download(request: HttpRequest, parts: Iterable[bytes], *, name: str, content_type: str) -> StreamingHttpResponse:
    """Answer with a file made of `parts`, of which one at a time is in memory."""
    # An asynchronous server would gather a plain iterator before it sends the first byte.
    content = _asynchronous(iter(parts)) if isinstance(request, ASGIRequest) else parts
    response = StreamingHttpResponse(content, content_type=content_type)
    ascii_name = name.encode("ascii", "ignore").decode().replace('"', "").replace("\\", "") or "table"
    response["Content-Disposition"] = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{_quoted(name)}"
    return response


async def _asynchronous(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    pull = sync_to_async(lambda: next(parts, None), thread_sensitive=False)
    while (part := await pull()) is not None:
        yield part


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")
