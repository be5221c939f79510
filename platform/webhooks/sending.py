"""One HTTP POST to where a department said: the address is guarded, nothing is followed, and 5 seconds are all it gets."""

from __future__ import annotations

import http.client
import socket
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from time import monotonic

from datasets.connectors._base import ConnectError
from datasets.connectors._guard import Guard
from datasets.connectors._http import PinnedConnection, of_error, parse, port_of

SECONDS = 5.0
EXCERPT = 2000
TOO_SLOW = "No answer within 5 seconds. Answer first, and work afterwards."


@dataclass(frozen=True, slots=True)
class Sent:
    """How a try ended: a status with the answer's beginning, or an error in words."""

    status: int | None
    milliseconds: int
    response: str = ""
    error: str = ""

    @property
    def ok(self) -> bool:
        """Only 2xx says that the event was taken; a redirect is not followed."""
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: bytes, headers: dict[str, str], guard: Guard, seconds: float = SECONDS) -> Sent:
    """Send `body` as JSON. Never raises for what the other side does."""
    started = monotonic()
    try:
        parts = parse(url)
        connection = PinnedConnection(guard.pin(parts.hostname or "", port_of(parts)), parts, timeout=seconds)
        status, answer = _exchange(
            connection, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers, seconds
        )
    except ConnectError as refused:
        return Sent(None, _since(started), error=f"{refused.detail} {refused.hint}"[:300])
    return Sent(status, _since(started), answer.decode("utf-8", "replace").replace("\x00", ""))


def _exchange(
    connection: PinnedConnection, path: str, body: bytes, headers: dict[str, str], seconds: float
) -> tuple[int, bytes]:
    """The status and the answer's first bytes. A server that sends a byte now and then is cut off as one that is silent."""
    cut = Timer(seconds, _hang_up, [connection])
    cut.daemon = True
    began = monotonic()
    cut.start()
    try:
        sent = {
            "User-Agent": "Atrium-Webhooks",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            **headers,
        }
        connection.request("POST", path, body=body, headers=sent)
        answer = connection.getresponse()
        return answer.status, answer.read(EXCERPT)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, TimeoutError) or monotonic() - began >= seconds:
            raise ConnectError("too_slow", TOO_SLOW, "", passing=True) from None
        raise of_error(error, connection.pinned) from None
    finally:
        cut.cancel()
        connection.close()


def _hang_up(connection: PinnedConnection) -> None:
    with suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def _since(started: float) -> int:
    return round((monotonic() - started) * 1000)
