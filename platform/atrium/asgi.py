"""ASGI entry point: uvicorn serves the pages, the API and live events from here."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django import setup
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler

from atrium.live_body import LiveBody

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "atrium.settings")


class PooledHandler(ASGIHandler):
    """Runs each request's plain code on a thread that the next request uses again, with its database connection.

    Django would start a thread and open a connection for every request, which took longer than most queries.
    The parts of a resumable upload are read by their view as they arrive.
    """

    KEPT = 16
    LIVE = b"application/offset+octet-stream"

    def __init__(self) -> None:
        super().__init__()
        self._idle: deque[ThreadPoolExecutor] = deque()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        if (b"content-type", self.LIVE) in scope["headers"]:
            receive = LiveBody(receive)
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
        finally:
            # A view whose caller hung up may still run: the thread is free when it gets to this.
            thread.submit(self._give_back, thread)

    async def read_body(self, receive: Any) -> Any:
        return receive if isinstance(receive, LiveBody) else await super().read_body(receive)

    def _give_back(self, thread: ThreadPoolExecutor) -> None:
        if len(self._idle) < self.KEPT:
            self._idle.append(thread)
        else:
            thread.shutdown(wait=False)


def mounted() -> Any:
    """Django, with the prediction core ahead of it unless it is switched off."""
    django = PooledHandler()
    if not settings.PREDICTION_CORE:
        return django
    from serving.core.app import PredictionCore

    return PredictionCore(django)


setup(set_prefix=False)
application = mounted()
