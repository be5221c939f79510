"""A request's body as it arrives, for views that read it while it does.

Django gathers a body before it calls the view: an upload whose connection breaks would leave nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
# A read without a byte for this long raises TimeoutError; the next read goes on waiting where it stopped.
PATIENCE = 1.0


class LiveBody:
    """A file to the view, which reads on a thread; a source of messages to Django, which waits for the end.

    `read` raises TimeoutError when nothing arrives for a second, and ConnectionResetError when the client is gone.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._pending: Future[dict[str, Any]] | None = None
        self._rest = b""
        self._more = True
        self._whole = asyncio.Event()

    async def __call__(self) -> dict[str, Any]:
        """What comes after the body. A client that leaves in the middle of it is the view's matter alone: it keeps
        what has arrived, and is not to be interrupted in that."""
        await self._whole.wait()
        return await self._receive()

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, as soon as there are any; b"" at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 16), b""))
        while not self._rest and self._more:
            self._rest = self._next()
        part, self._rest = self._rest[:size], self._rest[size:]
        return part

    def _next(self) -> bytes:
        self._pending = self._pending or asyncio.run_coroutine_threadsafe(self._receive(), self._loop)  # type: ignore[arg-type]
        message = self._pending.result(PATIENCE)
        self._pending = None
        if message["type"] == "http.disconnect":
            self._more = False
            raise ConnectionResetError("the client is gone")
        self._more = message.get("more_body", False)
        if not self._more:
            self._loop.call_soon_threadsafe(self._whole.set)
        return bytes(message.get("body", b""))

    def close(self) -> None:
        """Stop waiting for what the view did not want."""
        if self._pending is not None:
            self._pending.cancel()
