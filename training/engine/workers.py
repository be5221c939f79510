"""The asking side of nurseries: starts units, tells them signals, and says what came of them."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.engine.control import Signal
from training.engine.nursery import SIGNALS
from training.engine.units import Unit

# A fit computes with one thread, whichever library does it.
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")}


class Workers:
    """Units' processes: those of families that need PyTorch come from a nursery of their own, started at first need."""

    def __init__(self, workdir: Path, shared: Path, checkpoint_every: float) -> None:
        self.workdir, self.shared, self.checkpoint_every = workdir, shared, checkpoint_every
        self.signals = workdir / "signal"
        self.signals.write_bytes(b"\0")
        self._nurseries: dict[bool, _Nursery] = {}

    def warm(self, torch: bool) -> None:
        """Begin to import."""
        if torch not in self._nurseries:
            self._nurseries[torch] = _Nursery(torch)

    def start(self, unit: Unit, torch: bool) -> None:
        self.warm(torch)
        self._nurseries[torch].ask(
            {
                "unit": asdict(unit),
                "shared": str(self.shared),
                "folder": str(self.folder(unit)),
                "signal": str(self.signals),
                "checkpoint_every": self.checkpoint_every,
            }
        )

    def folder(self, unit: Unit) -> Path:
        return self.workdir / "units" / unit.name

    def kill(self, unit: Unit) -> None:
        for nursery in self._nurseries.values():
            nursery.ask({"kill": unit.name})

    def tell(self, signal: Signal) -> None:
        """What all units should do now; they see it at their next step."""
        with self.signals.open("r+b") as file:
            file.write(bytes([SIGNALS.index(signal)]))

    def news(self, wait: float) -> Iterator[dict[str, Any]]:
        """What the units said, after at most `wait` seconds. A nursery that died says so for itself: {"dead"}."""
        by_pipe = {nursery.results: (torch, nursery) for torch, nursery in self._nurseries.items()}
        for ready in select.select(list(by_pipe), [], [], wait)[0] if by_pipe else []:
            torch, nursery = by_pipe[ready]
            lines = nursery.read()
            if lines is None:
                del self._nurseries[torch]
                nursery.close()
                yield {"dead": torch}
                continue
            yield from map(json.loads, lines)

    def close(self) -> None:
        while self._nurseries:
            self._nurseries.popitem()[1].close()


class _Nursery:
    """One nursery's process and pipes."""

    def __init__(self, torch: bool) -> None:
        self.results, writer = os.pipe()
        command = [sys.executable, "-m", "training.engine.nursery", str(writer), *(["torch"] if torch else [])]
        environment = {**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[writer], env=environment)
        os.close(writer)
        self.waiting = b""

    def ask(self, request: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return  # it has died; its results pipe says so

    def read(self) -> list[bytes] | None:
        """The whole lines that have come; None when the other end is gone."""
        got = os.read(self.results, 65_536)
        if not got:
            return None
        *lines, self.waiting = (self.waiting + got).split(b"\n")
        return lines

    def close(self) -> None:
        """End the process and, with it, its units."""
        assert self.process.stdin is not None
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        os.close(self.results)
