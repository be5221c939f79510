"""Sending requests to an ASGI application as a server does: in messages, from an event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from serving.core.app import PredictionCore


@dataclass
class Got:
    """What came back. `headers` are lower-case, the last of a name."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


def post(body: bytes, token: str | None, name: str = "credit-scoring", **changes: Any) -> dict[str, Any]:
    """A predict request as `send` takes it; `changes` replace its parts, `headers` are added."""
    headers = {"host": "localhost", "content-type": "application/json", "content-length": str(len(body))}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    headers |= changes.pop("headers", {})
    request = {"method": "POST", "path": f"/api/v1/deployments/{name}/predict/", "body": body, **changes}
    return {**request, "headers": {key: value for key, value in headers.items() if value is not None}}


async def send(app: Any, request: dict[str, Any], parts: Iterable[dict[str, Any]] | None = None) -> Got:
    """The answer to a request; `parts` are the messages of its body where it does not come in one piece."""
    path = request["path"]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request["method"], "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
        "headers": [(key.encode(), value.encode()) for key, value in request["headers"].items()],
        "client": ("127.0.0.1", 50000), "server": ("localhost", 8000),
    }  # fmt: skip
    messages = iter(parts or [{"type": "http.request", "body": request["body"], "more_body": False}])
    never, got = asyncio.Event(), Got()

    async def receive() -> dict[str, Any]:
        message = next(messages, None)
        if message is None:
            await never.wait()
        assert message is not None
        return message

    async def answer(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            got.status = message["status"]
            got.headers = {key.decode().lower(): value.decode() for key, value in message["headers"]}
        else:
            got.body += message.get("body", b"")

    await app(scope, receive, answer)
    return got


class Running:
    """A core with the Django application behind it, on a loop of its own: `with Running() as core: core.send(…)`."""

    def __init__(self) -> None:
        from atrium.asgi import PooledHandler

        self.django = PooledHandler()
        self.passed: list[str] = []

    async def _django(self, scope: Any, receive: Any, answer: Any) -> None:
        self.passed.append(scope["path"])
        await self.django(scope, receive, answer)

    def __enter__(self) -> Running:
        self.runner = asyncio.Runner()
        self.runner.__enter__()
        self.app = PredictionCore(self._django)
        return self

    def __exit__(self, *raised: Any) -> None:
        self.app.core.close()
        self.runner.__exit__(*raised)
        _close_connections(self)

    def do(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    def send(self, request: dict[str, Any], parts: Any = None) -> Got:
        return self.do(send(self.app, request, parts))  # type: ignore[no-any-return]

    def reference(self, request: dict[str, Any]) -> Got:
        """What Django answers to the same."""
        return self.do(send(self.django, request))  # type: ignore[no-any-return]


def _close_connections(running: Running) -> None:
    """The threads' connections, so that the test database can be removed."""
    from django.db import connections

    while running.django._idle:
        thread = running.django._idle.pop()
        thread.submit(connections.close_all).result()
        thread.shutdown()
