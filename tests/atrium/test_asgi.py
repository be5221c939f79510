"""The entry point: threads and their connections outlive requests, and no request waits for another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from atrium.asgi import PooledHandler

seen: list[str] = []


def name(request: HttpRequest) -> HttpResponse:
    seen.append(threading.current_thread().name)
    return HttpResponse("ok")


def slow(request: HttpRequest) -> HttpResponse:
    time.sleep(0.6)
    return name(request)


urlpatterns = [path("name", name), path("slow", slow)]


@pytest.fixture(autouse=True)
def routes() -> Iterator[None]:
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        yield


async def ask(handler: PooledHandler, url: str) -> int:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": url, "headers": [], "query_string": b""}
    caller = ApplicationCommunicator(handler, scope)
    await caller.send_input({"type": "http.request"})
    start = await caller.receive_output(3)
    await caller.receive_output(3)
    await caller.wait(3)
    return int(start["status"])


def test_one_request_after_the_other_uses_one_thread() -> None:
    async def walk() -> list[int]:
        handler = PooledHandler()
        statuses = []
        for _ in range(3):
            statuses.append(await ask(handler, "/name"))
            await asyncio.sleep(0.05)
        return statuses

    assert asyncio.run(walk()) == [200, 200, 200]
    assert len(set(seen)) == 1


def test_requests_at_the_same_time_do_not_wait_for_each_other() -> None:
    async def walk() -> float:
        handler = PooledHandler()
        began = time.monotonic()
        await asyncio.gather(*(ask(handler, "/slow") for _ in range(4)))
        return time.monotonic() - began

    assert asyncio.run(walk()) < 0.9
    assert len(seen) == 4


def test_a_thread_is_not_lent_while_a_view_still_runs_in_it() -> None:
    """The caller hangs up; the next request does not queue behind the view that nobody waits for."""

    async def walk() -> float:
        handler = PooledHandler()
        scope = {"type": "http", "method": "GET", "path": "/slow", "headers": [], "query_string": b""}
        gone = ApplicationCommunicator(handler, scope)
        await gone.send_input({"type": "http.request"})
        await asyncio.sleep(0.1)
        gone.stop(exceptions=False)
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await ask(handler, "/name")
        return time.monotonic() - began

    assert asyncio.run(walk()) < 0.2


def test_no_more_threads_are_kept_than_needed() -> None:
    async def walk() -> int:
        handler = PooledHandler()
        await asyncio.gather(*(ask(handler, "/slow") for _ in range(handler.KEPT + 4)))
        await asyncio.sleep(0.2)
        return len(handler._idle)

    assert asyncio.run(walk()) == PooledHandler.KEPT
