"""A message broker in a folder: kombu's filesystem transport, made safe for readers and writers at once.

The original lets a reader see a message, or a table of bindings, that is half written, and moves messages through the
machine's shared temporary folder. Here a file appears under its name only when it is whole, and whoever renames a
message has it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem


class Channel(filesystem.Channel):
    """Reads and writes whole files only."""

    @property
    def folder(self) -> Path:
        return Path(self.data_folder_out)

    def _table(self, exchange: str) -> Path:
        file: Path = self._exchange_file(exchange)  # type: ignore[no-untyped-call]
        return file

    def _put(self, queue: str, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        # Named by the clock, so that sorting the names gives the order of sending, also over a restart.
        _write(self.folder / f"{time.time_ns():020d}_{uuid4().hex}.{queue}.msg", json.dumps(payload))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for name in sorted(entry.name for entry in self.folder.iterdir()):
            if name.partition(".")[2] == f"{queue}.msg":
                message = self._take(name)
                if message is not None:
                    return message
        raise Empty()

    def _take(self, name: str) -> Any:
        """Return the message, or None when another reader was faster."""
        mine = self.folder / f"{name}.taken-{os.getpid()}"
        try:
            (self.folder / name).rename(mine)
        except FileNotFoundError:
            return None
        message = json.loads(mine.read_text())
        mine.unlink()
        return message

    def get_table(self, exchange: str) -> list[Any]:
        """All bindings of the platform are direct: exchange and routing key are the queue's name."""
        try:
            rows = json.loads(self._table(exchange).read_text())
        except FileNotFoundError:
            return []
        return [filesystem.exchange_queue_t(*row) for row in rows]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self.control_folder.mkdir(exist_ok=True)
        with (self.control_folder / "lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            known = self.get_table(exchange)
            if binding not in known:
                _write(self._table(exchange), json.dumps([binding, *known]))


def _write(path: Path, text: str) -> None:
    hidden = path.with_name(f".{uuid4().hex}")
    hidden.write_text(text)
    hidden.rename(path)


class Transport(filesystem.Transport):
    Channel = Channel
