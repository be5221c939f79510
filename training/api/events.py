"""GET runs/{id}/events/: what happens in a run, as server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from departments.access import Verb, require
from departments.api.viewsets import ActorMixin
from training.live import News, Position, news
from training.models import TrainingRun

POLL = 0.4
# A reader comes back by itself after this; its right is then asked for again.
LONGEST = 300.0
QUIET = 15.0


class EventStreamRenderer(BaseRenderer):
    """Lets `Accept: text/event-stream` through content negotiation; refusals are still JSON."""

    media_type = "text/event-stream"
    format = "events"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=str)


class RunEvents(ActorMixin, APIView):
    """`metrics`, `state`, `log` and `usage` events until the run ends; `Last-Event-ID` continues where a reader left."""

    renderer_classes = [JSONRenderer, EventStreamRenderer]

    @extend_schema(
        parameters=[OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="Where to go on.")],
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
    )
    def get(self, request: Request, id: UUID) -> StreamingHttpResponse:
        run = get_object_or_404(TrainingRun.objects.visible_to(self.actor), pk=id)
        require(self.actor, Verb.DISCOVER, run)
        since = Position.parse(request.headers.get("Last-Event-ID", ""))
        response = StreamingHttpResponse(stream(run.pk, since), content_type="text/event-stream")
        response["Cache-Control"] = "no-cache"
        response["X-Accel-Buffering"] = "no"
        return response


async def stream(run_id: UUID, position: Position) -> AsyncIterator[bytes]:
    """Poll the run and send what is new; end with it, or after `LONGEST` seconds."""
    began = spoke = time.monotonic()
    shown: dict[str, Any] = {}
    while time.monotonic() - began < LONGEST:
        found = await sync_to_async(news)(run_id, position)
        parts = _parts(found, shown)
        position, shown = found.position, found.state
        if parts:
            spoke = time.monotonic()
            yield b"".join(parts)
        elif time.monotonic() - spoke > QUIET:
            spoke = time.monotonic()
            yield b": still here\n\n"
        if found.ended:
            return
        await asyncio.sleep(POLL)


def _parts(found: News, shown: dict[str, Any]) -> list[bytes]:
    parts = []
    if found.points:
        parts.append(_event("metrics", found.points, found.position))
    if found.lines:
        parts.append(_event("log", {"lines": found.lines}, found.position))
    if found.usage:
        parts.append(_event("usage", {"points": found.usage}, found.position))
    if found.state != shown:
        parts.append(_event("state", found.state, found.position))
    if found.ended:
        parts.append(_event("end", found.state, found.position))
    return parts


def _event(name: str, data: Any, position: Position) -> bytes:
    return f"id: {position}\nevent: {name}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
