"""Reading a request's body, whatever its sender does."""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from rest.problems import Refused

SECONDS = 30.0  # for the whole of a body to arrive


class Gone(Exception):
    """The caller hung up: nobody waits for an answer."""


async def read_body(receive: Any, length: int | None) -> bytes:
    """Return the whole body. Raises Gone, or Refused: 413 for one that is too large, 408 for one that does not come."""
    if length is not None and length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise too_large()
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        # What nearly every request is: its body came with its head.
        body: bytes = message["body"]
        return body
    try:
        async with asyncio.timeout(SECONDS):
            return await _rest(message, receive)
    except TimeoutError:
        detail = _("The body did not arrive within %s seconds.") % round(SECONDS)
        raise Refused("too_slow", detail, status=408) from None


async def _rest(message: Any, receive: Any) -> bytes:
    body = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise too_large()
        if not message.get("more_body"):
            return bytes(body)
        message = await receive()


def too_large() -> Refused:
    return Refused("too_large", "The body is larger than 16 MB; send fewer instances.", status=413)
