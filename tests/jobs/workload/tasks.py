"""Kinds of job for real worker processes: they work for a while, leave one effect, or misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from audit.services import record
from jobs.context import JobContext
from jobs.errors import Cancelled, Paused
from jobs.registry import handler


def leave_at(name: str) -> None:
    if name in ("cancel", "pause"):
        raise {"cancel": Cancelled, "pause": Paused}[name]


@handler("test.work", title="Work for a while")
def work(ctx: JobContext) -> dict[str, int]:
    """Count to `steps` in a checkpoint file, then leave one effect."""
    file = ctx.workdir / "done"
    done = int(file.read_text()) if file.exists() else 0
    ctx.log(f"begins at {done}")
    while done < ctx.payload["steps"]:
        if ctx.signal() == "stop":
            break
        leave_at(ctx.signal())
        time.sleep(ctx.payload.get("pause", 0.02))
        done += 1
        # A kill between opening and writing would leave an empty checkpoint.
        fresh = file.with_suffix(".new")
        fresh.write_text(str(done))
        fresh.replace(file)
        ctx.progress(done / ctx.payload["steps"], f"step {done}")
    with ctx.effect({"steps": done}) as job:
        record("test.effect", job)
    return {"steps": done}


@handler("test.train", title="Train for a while", queue="training", priority=2, yields=True)
def train(ctx: JobContext) -> dict[str, int]:
    """As test.work; it may be interrupted to let others have a turn."""
    return work(ctx)


@handler("test.compute", title="Compute, here and in a child that nobody waits for")
def compute(ctx: JobContext) -> None:
    """Use `seconds` of CPU time in this process, and as much in another."""
    burn = "import time\nwhile time.process_time() < {0}: pass\ntime.sleep({1})"
    seconds = ctx.payload["seconds"]
    child = subprocess.Popen([sys.executable, "-c", burn.format(seconds, 60 if ctx.payload.get("leave") else 0)])
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    if not ctx.payload.get("leave"):
        child.wait()
    time.sleep(ctx.payload.get("rest", 0))


@handler("test.borrowed", title="Work on what others lend", recheck=True)
def borrowed(ctx: JobContext) -> None:
    ctx.log("begins")
    time.sleep(600)


@handler("test.deaf", title="Hear no signal")
def deaf(ctx: JobContext) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    ctx.log(f"group {os.getpgid(0)}")
    time.sleep(600)


@handler("test.greedy", title="Take memory", memory_mb=400)
def greedy(ctx: JobContext) -> None:
    kept = []
    while True:
        kept.append(bytearray(os.urandom(2**20)) * 20)
        time.sleep(0.01)


@handler("test.huge", title="Take memory at once", memory_mb=200)
def huge(ctx: JobContext) -> None:
    bytearray(20 * 2**30)


@handler("test.busy", title="Compute for ever", cpu_seconds=1)
def busy(ctx: JobContext) -> None:
    while True:
        pass


@handler("test.crash", title="Crash each time")
def crash(ctx: JobContext) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


@handler("test.suicide", title="Die each time")
def suicide(ctx: JobContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@handler("test.effect_then_die", title="Die right after the effect")
def effect_then_die(ctx: JobContext) -> None:
    with ctx.effect({"kept": True}) as job:
        record("test.effect", job)
    os.kill(os.getpid(), signal.SIGKILL)
