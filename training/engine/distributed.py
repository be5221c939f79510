"""One training over several processes, by averaged gradients.

The process that trains is rank 0: it logs, saves checkpoints and answers signals. `together` starts the other ranks,
each of which runs the same fit from the same data, seed and checkpoint: at every step all take equal shares of the same
batch, and the sum of their gradients (gloo between processors, NCCL between GPUs) is the whole batch's. All ranks thus
hold the same weights, those of one process up to rounding. When rank 0 leaves, however it does, the others go with it.

The ranks are told who they are by torchrun's variables, RANK and WORLD_SIZE.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.control import Control, Silent
from training.engine.errors import TrainError
from training.engine.family import FAMILIES, Fitted, Problem, Rows

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

START, PATIENCE = 120.0, 600.0  # seconds for a rank to load its libraries, and for a step of the slowest
ROOT = Path(__file__).parents[2]


@dataclass
class Team:
    """The processes of one training; alone, it does nothing."""

    rank: int = 0
    size: int = 1

    def share(self, rows: int) -> tuple[slice, float]:
        """This rank's part of a batch, and its weight in the sum. A batch too small to share is done by all."""
        if rows < self.size:
            return slice(0, rows), 1.0 / self.size
        low, high = (rows * place // self.size for place in (self.rank, self.rank + 1))
        return slice(low, high), (high - low) / rows

    def sum(self, tensors: Sequence[Tensor], share: float) -> None:
        """Replace every tensor by the sum over the ranks of `share` times theirs. Raises TrainError if one died."""
        if self.size == 1:
            return
        import torch
        import torch.distributed as dist

        whole = torch.cat([tensor.reshape(-1) for tensor in tensors]).mul_(share)
        try:
            dist.all_reduce(whole)
        except RuntimeError as error:
            raise _lost(str(error).splitlines()[0]) from error
        for tensor, part in zip(tensors, torch.split(whole, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))


_current: ContextVar[Team] = ContextVar("team")
_alone = Team()


def team() -> Team:
    """The team that this process trains in."""
    return _current.get(_alone)


def fit(family: str, problem: Problem, params: Mapping[str, Any], control: Control) -> Fitted:
    """The family's fit, by `params["processes"]` processes."""
    with together(family, problem, params, control):
        return FAMILIES[family].fit(problem, params, control)


@contextmanager
def together(family: str, problem: Problem, params: Mapping[str, Any], control: Control) -> Iterator[None]:
    """Start the other ranks, be rank 0 among them, and end them on leaving."""
    size, cores = params["processes"], len(os.sched_getaffinity(0))
    if size > cores and not control.device.startswith("cuda"):
        detail = f"{size} processes were asked for, and {cores} cores are there: they would wait for each other."
        raise TrainError("too_many_processes", detail, f"Use at most {cores}.", "params.processes")
    with tempfile.TemporaryDirectory(prefix="ranks-") as folder:
        _write(Path(folder), family, problem, params, control)
        others = [_start(Path(folder), rank, size) for rank in range(1, size)]
        try:
            _await(Path(folder), others)
            with _joined(Path(folder), 0, size, control.device):
                yield
        finally:
            for other in others:
                other.kill()
                other.wait()


def _write(folder: Path, family: str, problem: Problem, params: Mapping[str, Any], control: Control) -> None:
    """Leave for the other ranks what rank 0 was given."""
    import numpy as np

    for part in ("train", "validation"):
        rows: Rows = getattr(problem, part)
        for name in ("X", "y", "w"):
            if (array := getattr(rows, name)) is not None:
                np.save(folder / f"{part}-{name}.npy", array)
    asked = {
        "family": family,
        "params": dict(params),
        "problem": {"task": problem.task, "seed": problem.seed, "classes": problem.classes},
        "store": str(control.store) if control.store else None,
        "device": control.device.split(":")[0],
        "threads": control.threads,
    }
    (folder / "asked.json").write_text(json.dumps(asked))


def _start(folder: Path, rank: int, size: int) -> subprocess.Popen[bytes]:
    roots = os.pathsep.join(str(root) for root in (ROOT / "platform", ROOT))
    told = {"RANK": str(rank), "WORLD_SIZE": str(size), "PYTHONPATH": roots, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "training.engine.rank", str(folder)]
    with (folder / f"{rank}.log").open("wb") as log:
        return subprocess.Popen(command, env=os.environ | told, stdout=log, stderr=log, cwd=ROOT)


def _await(folder: Path, others: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until every rank has its data, so that a rank that cannot start is noticed before all wait for it."""
    end = time.monotonic() + START
    for rank, other in enumerate(others, 1):
        while not (folder / f"{rank}.ready").exists():
            if other.poll() is not None or time.monotonic() > end:
                said = (folder / f"{rank}.log").read_text(errors="replace").strip().splitlines()
                raise _lost(f"process {rank + 1} did not start" + (f": {said[-1]}" if said else ""))
            time.sleep(0.02)


@contextmanager
def _joined(folder: Path, rank: int, size: int, device: str) -> Iterator[None]:
    import torch.distributed as dist

    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group(
        "nccl" if device.startswith("cuda") else "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=rank,
        world_size=size,
        timeout=timedelta(seconds=PATIENCE),
    )
    token = _current.set(Team(rank, size))
    try:
        yield
    finally:
        _current.reset(token)
        dist.destroy_process_group()


def _lost(why: str) -> TrainError:
    return TrainError(
        "process_lost",
        f"One of the training's processes was lost ({why}).",
        "Start the run again: it goes on from its checkpoint. If it happens again, use one process or less memory.",
        "params.processes",
    )


class _Rank(Control):
    """The control of a rank that only computes: it begins from rank 0's checkpoint and never writes one."""

    def save(self, snapshot: Any) -> None: ...


def _die_with_parent() -> None:
    """Have the kernel kill this process when rank 0 dies (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def main(folder: Path) -> None:
    """Be one of the other ranks."""
    import numpy as np

    _die_with_parent()
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    asked = json.loads((folder / "asked.json").read_text())

    def rows(part: str) -> Rows:
        arrays: list[np.ndarray | None] = [
            np.load(path, mmap_mode="c") if (path := folder / f"{part}-{name}.npy").exists() else None
            for name in ("X", "y", "w")
        ]
        return Rows(*arrays)  # type: ignore[arg-type]

    problem = Problem(train=rows("train"), validation=rows("validation"), **asked["problem"])
    device = f"cuda:{rank}" if asked["device"] == "cuda" else asked["device"]
    control = _Rank(
        Silent(), store=Path(asked["store"]) if asked["store"] else None, device=device, threads=asked["threads"]
    )
    import torch  # noqa: F401 (the slow part of starting, done before rank 0 waits for this one)

    (folder / f"{rank}.ready").touch()
    with _joined(folder, rank, size, device):
        FAMILIES[asked["family"]].fit(problem, asked["params"], control)
