"""Requests that were refused or failed, counted in memory and put into the log once a minute: one cheap addition each."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime
from threading import Lock

import orjson


class Tally:
    """Thread-safe. Counts by minute, deployment's name and status."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[datetime, str, int]] = Counter()

    def add(self, name: str, status: int) -> None:
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        with self._lock:
            self._counts[minute, name, status] += 1

    def drain(self, *, all: bool = False) -> list[bytes]:
        """Lines for the log, of the minutes that are over (or of all); they are counted here no more.

        Each line has an id, so that whoever reads it twice can tell.
        """
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        with self._lock:
            over = [key for key in self._counts if all or key[0] < now]
            taken = [(key, self._counts.pop(key)) for key in over]
        return [
            orjson.dumps(
                {"refused": str(uuid.uuid4()), "name": name, "at": minute.isoformat(), "status": status, "calls": calls}
            )
            for (minute, name, status), calls in taken
        ]

    def forget(self) -> None:
        """In a forked child: the parent puts them into its own log."""
        with self._lock:
            self._counts.clear()


REFUSALS = Tally()
