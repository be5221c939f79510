"""The process that units are forked from: what they all import is imported once.

    python -m training.engine.nursery FD [torch]

Requests come as lines of JSON: {"unit", "shared", "folder", "signal"} forks a unit's process, {"kill": name} ends one.
To the file descriptor FD go lines back: {"name", "code"} when a process has ended, and its curves and log before.
When the asking process dies, the pipe closes and all units end.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from training.engine import units
from training.engine.control import Signal
from training.engine.errors import TrainCancelled, TrainPaused

SIGNALS: tuple[Signal, ...] = ("go", "stop", "pause", "cancel")
TICK = 0.02
PAUSED = 3  # exit code of a unit that was told to pause and saved its checkpoint
LINE = 3_500  # bytes: shorter lines are written to a pipe in one piece


class Pipe:
    """A unit's monitor: reads one shared byte for the signal, writes lines to the asking process."""

    def __init__(self, unit: units.Unit, output: int, signals: Path) -> None:
        self.name, self.watched, self.output = unit.name, bool(unit.watched), output
        with signals.open("rb") as file:
            self.byte = mmap.mmap(file.fileno(), 1, prot=mmap.PROT_READ)

    def log(self, message: str, level: str = "info") -> None:
        send(self.output, {"name": self.name, "log": message[:1000], "level": level})

    def metrics(self, step: int, values: dict[str, float]) -> None:
        if self.watched:
            send(self.output, {"name": self.name, "step": step, "metrics": values})

    def progress(self, fraction: float, note: str = "") -> None:
        """How far the training is, is told by how many units are done."""

    def standings(self, leaderboard: list[dict[str, Any]]) -> None:
        """A unit knows no other."""

    def signal(self) -> Signal:
        return SIGNALS[self.byte[0]]


def send(output: int, message: dict[str, Any]) -> None:
    line = json.dumps(message).encode() + b"\n"
    if len(line) <= LINE:
        with contextlib.suppress(BrokenPipeError):
            os.write(output, line)


class Nursery:
    """The forking side."""

    def __init__(self, output: int) -> None:
        self.output = output
        self.running: dict[int, str] = {}

    def serve(self) -> None:
        waiting = b""
        while True:
            if select.select([0], [], [], TICK)[0]:
                read = os.read(0, 65_536)
                if not read:
                    return
                *lines, waiting = (waiting + read).split(b"\n")
                for line in lines:
                    self.heed(json.loads(line))
            self.reap()

    def heed(self, request: dict[str, Any]) -> None:
        if "kill" in request:
            for pid in [pid for pid, name in self.running.items() if name == request["kill"]]:
                os.kill(pid, signal.SIGKILL)
            return
        unit = units.unit_of(request["unit"])
        pid = os.fork()
        if pid == 0:
            self.become(unit, request)
        self.running[pid] = unit.name

    def become(self, unit: units.Unit, request: dict[str, Any]) -> None:
        """The child's life; it never returns."""
        code = 1
        try:
            _die_with_parent()
            os.close(0)
            shared, folder = Path(request["shared"]), Path(request["folder"])
            pipe = Pipe(unit, self.output, Path(request["signal"]))
            units.run(unit, shared, folder, pipe, request["checkpoint_every"])
            code = 0
        except TrainPaused:
            code = PAUSED
        except TrainCancelled:
            pass
        except BaseException as error:
            send(self.output, {"name": unit.name, "failed": f"{type(error).__name__}: {error}"[:1000]})
        finally:
            os._exit(code)

    def reap(self) -> None:
        while self.running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            send(self.output, {"name": self.running.pop(pid), "code": os.waitstatus_to_exitcode(status)})

    def end(self) -> None:
        for pid in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _die_with_parent() -> None:
    """Have the kernel end this process with the one that forked it (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def preload(torch: bool) -> None:
    """Import what fits and exports need, once for all units. Nothing here starts a thread."""
    import numpy
    import onnx
    import onnxruntime

    from training.engine import artifact, front, graph_trees, lightgbm_model

    lightgbm_model.load()
    if torch:
        import torch as _torch

        _torch.set_num_threads(1)
    del numpy, onnx, onnxruntime, artifact, front, graph_trees


def main() -> None:
    output = int(sys.argv[1])
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    started = time.monotonic()
    preload("torch" in sys.argv[2:])
    send(output, {"name": "", "ready": time.monotonic() - started})
    nursery = Nursery(output)
    try:
        nursery.serve()
    finally:
        nursery.end()


if __name__ == "__main__":
    main()
