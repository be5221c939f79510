"""The prediction core: answers predict requests with a token ahead of Django, and hands everything else on.

One request costs: its head read, a look at what is known of its caller (`doors`), its body parsed, a place in the next
computation (`batching`), and the answer. Whatever asks the database or a file runs in a thread. The plain view
(`serving.api.views.Predict`) answers the same requests with the same words; a test holds the two together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns
from typing import Any, TypeVar
from uuid import uuid4

from django.db import close_old_connections

from departments.quotas import services as quotas
from serving import asking, limits
from serving.core.batching import Batcher
from serving.core.bodies import Gone
from serving.core.doors import Door, Doors
from serving.core.endpoints import Arrival, Endpoint, endpoint_at
from serving.core.heads import read_head
from serving.core.metrics import METRICS
from serving.predicting import Caller, Question, Told, answer
from serving.runtime.answering import Asked, Snapshot
from serving.runtime.tally import REFUSALS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

Found = TypeVar("Found")

SMALL_BYTES, SMALL_ROWS = 32 * 1024, 256  # what is answered on the event loop; the rest in a thread


class Core:
    """Who may ask, and the answers: what every protocol of predictions shares."""

    def __init__(self) -> None:
        self.doors = Doors()
        self.batcher = Batcher()
        self._large = ThreadPoolExecutor(2, thread_name_prefix="core-large")
        METRICS.depth = lambda: self.batcher.depth

    async def door(self, digest: str | None, name: str) -> Door:
        """The door of a token (its SHA-256) before a deployment. Raises what refuses the caller: 401, 404, 403, 429, 503."""
        found = None if digest is None else self.doors.find((digest, name))
        door = found or await self.doors.ask(digest, name)
        taken = limits.take(door.person)
        if taken is None:
            taken = await self._in_thread(_lease, door.person)
        if not taken:
            raise limits.refusal()
        return door

    async def snapshot(self, door: Door) -> Snapshot:
        """What answers behind the door. Raises Refused: paused, frozen, damaged."""
        return door.place.snapshot or await self.doors.snapshot(door)

    async def ask(
        self, snapshot: Snapshot, caller: Caller, asked: Asked, *, body: bytes, request_id: str, arrived: int
    ) -> Told:
        """Answer and log one request within the department's quota. `body` is the JSON that the log keeps: an object
        with `instances`. Raises Refused."""
        rows = len(asked.instances)
        taken = quotas.take(snapshot.department, "predictions", rows)
        if not taken:
            await self._in_thread(quotas.require_quickly, snapshot.department, "predictions", rows)
        question = Question(snapshot, caller, asked, body, request_id, arrived)
        # Reasons take longer than answers, and the first of a version are read from the database: never on the loop.
        if rows <= SMALL_ROWS and len(body) <= SMALL_BYTES and not asked.explain:
            return await self.batcher.ask(question)
        told: Told = await self._in_thread(answer, question)
        return told

    async def unpacked(self, body: bytes, encoding: str) -> bytes:
        """A body without its Content-Encoding. Raises Refused."""
        found: bytes = await self._in_thread(asking.unpacked, body, encoding) if encoding else body
        return found

    async def work(self, body: bytes, function: Callable[..., Found], *arguments: Any) -> Found:
        """What a function makes of a body, in a thread where the body is large."""
        if len(body) <= SMALL_BYTES:
            return function(body, *arguments)
        found: Found = await self._in_thread(function, body, *arguments)
        return found

    def close(self) -> None:
        """Give the threads back; nothing is answered afterwards."""
        self.doors.close()
        self._large.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._large, _with_fresh_connection, work, *arguments)


class PredictionCore:
    """The ASGI application in front of `inner`."""

    def __init__(self, inner: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.inner = inner
        self.core = Core()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = endpoint_at(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        head = read_head(scope) if endpoint is not None else None
        if endpoint is None or head is None:
            await self.inner(scope, receive, send)
            return
        client = scope.get("client")
        await self._answer(endpoint, Arrival(perf_counter_ns(), head, receive, client[0] if client else ""), send)

    async def _answer(self, endpoint: Endpoint, arrival: Arrival, send: Send) -> None:
        known, head = "", arrival.head
        request_id = head.request_id or str(uuid4())
        try:
            door = await self.core.door(head.digest, endpoint.name)
            known = endpoint.name
            # The table's id of this request is ours alone: a caller may send the same one twice.
            logged_id = request_id if head.request_id is None else str(uuid4())
            reply = await endpoint.answer(self.core, door, arrival, logged_id)
        except Gone:
            return
        except Exception as refused:
            reply = endpoint.refusal(refused)
        METRICS.count(known, reply.status, (perf_counter_ns() - arrival.at) / 1e9)
        if known and reply.status >= 400:
            REFUSALS.add(known, reply.status)
        await reply.send(send, request_id)


def _lease(person: str) -> bool | None:
    limits.lease(person)
    return limits.take(person)


def _with_fresh_connection(work: Callable[..., Any], *arguments: Any) -> Any:
    close_old_connections()
    return work(*arguments)
