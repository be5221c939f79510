"""What the core answers: the native endpoint, and the Open Inference Protocol's. Each reads and writes bodies of its own;
who may ask, what answers and the log are the core's.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from serving import asking
from serving.core import replies
from serving.core.bodies import read_body
from serving.core.doors import Door
from serving.core.heads import Head
from serving.core.replies import Reply
from serving.oip.infer import asked_by, chosen, in_words, logged_as, written
from serving.runtime import oip
from serving.runtime.answering import Asked, Snapshot

if TYPE_CHECKING:
    from serving.core.app import Core

PREFIX, SUFFIX = "/api/v1/deployments/", "/predict/"
MODELS = "/v2/models/"
_SLUG = re.compile(r"[-a-zA-Z0-9_]+")
_INFER = re.compile(r"/v2/models/([-a-zA-Z0-9_]+)(?:/versions/([^/]+))?/infer")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came: `at` by `perf_counter_ns`, its body still with `receive`, from the client's `address`."""

    at: int
    head: Head
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
    address: str

    async def body(self, core: Core) -> bytes:
        """The whole body, unpacked. Raises Gone or Refused."""
        return await core.unpacked(await read_body(self.receive, self.head.length), self.head.encoding)


class Endpoint(Protocol):
    """One way to ask the deployment `name`."""

    @property
    def name(self) -> str: ...

    async def answer(self, core: Core, door: Door, arrival: Arrival, request_id: str) -> Reply:
        """Answer who was let in, and log it under that id. Raises Gone, or what `refusal` tells."""

    def refusal(self, error: Exception) -> Reply:
        """A refusal as callers of this endpoint read it."""


@dataclass(frozen=True, slots=True)
class Native:
    """`POST /api/v1/deployments/{name}/predict/`"""

    name: str

    async def answer(self, core: Core, door: Door, arrival: Arrival, request_id: str) -> Reply:
        arrival.head.require_json()
        body = await arrival.body(core)
        snapshot = await core.snapshot(door)
        asked = await core.work(body, asking.read)
        caller = door.caller(arrival.address)
        told = await core.ask(snapshot, caller, asked, body=body, request_id=request_id, arrived=arrival.at)
        return Reply(200, told.body())

    def refusal(self, error: Exception) -> Reply:
        return replies.refusal(error)


@dataclass(frozen=True, slots=True)
class Infer:
    """`POST /v2/models/{name}[/versions/{number}]/infer`; `number` is "" where none was asked for."""

    name: str
    number: str

    async def answer(self, core: Core, door: Door, arrival: Arrival, request_id: str) -> Reply:
        snapshot = chosen(await core.snapshot(door), self.number)
        body = await arrival.body(core)
        request, asked, logged = await core.work(body, _read, arrival.head.json_length, snapshot)
        caller = door.caller(arrival.address)
        told = await core.ask(snapshot, caller, asked, body=logged, request_id=request_id, arrived=arrival.at)

        def write(_body: bytes) -> Reply:
            return _reply(written(request, told.answered, snapshot, request_id), arrival.head.accepted)

        return await core.work(logged, write)

    def refusal(self, error: Exception) -> Reply:
        if isinstance(error, oip.Malformed):
            return Reply(error.status, orjson.dumps({"error": str(error)}))
        told = replies.refusal(error)
        status, words = in_words(orjson.loads(told.body))
        return Reply(status, orjson.dumps(words), headers=told.headers)


def _read(body: bytes, json_length: str | None, snapshot: Snapshot) -> tuple[oip.Request, Asked, bytes]:
    request = oip.read(body, json_length, snapshot.champion.predictor.inputs)
    asked = asked_by(request)
    return request, asked, logged_as(asked)


def _reply(found: oip.Reply, accepted: str) -> Reply:
    body, encoding = oip.deflate(found.body, accepted)
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-encoding", encoding.encode()),) if encoding else ()
    if found.header_length is None:
        return Reply(200, body, headers=headers, vary="Accept-Encoding")
    headers += ((oip.HEADER.lower().encode(), b"%d" % found.header_length),)
    return Reply(200, body, b"application/octet-stream", headers, "Accept-Encoding")


def endpoint_at(path: str) -> Endpoint | None:
    """The endpoint of the core at a path; None for what Django answers."""
    if path.startswith(PREFIX) and path.endswith(SUFFIX):
        name = path[len(PREFIX) : -len(SUFFIX)]
        return Native(name) if _SLUG.fullmatch(name) else None
    if path.startswith(MODELS):
        found = _INFER.fullmatch(path)
        return Infer(found[1], found[2] or "") if found else None
    return None
