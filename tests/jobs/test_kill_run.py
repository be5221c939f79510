"""A training on real workers: paused, resumed and killed (-9) at random points, its model is byte for byte the
uninterrupted run's; signals take effect within seconds, the child is gone and the worker free. ATRIUM_KILL_SEED repeats."""

from __future__ import annotations

import contextlib
import os
import random
import signal as signals
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.files import File

from departments.access import actor_for
from jobs.models import Job
from tests.jobs.site import Site, wait_until
from tests.jobs.test_kill import STUCK_AFTER
from training import services
from training.configuration import Request
from training.models import ModelVersion, TrainingRun

NET = {"hidden": [32], "epochs": 400, "batch_size": 16, "dropout": 0.2, "patience": None}


@pytest.fixture
def start(platform: Site, settings: Any, tmp_path: Path) -> Iterator[Callable[..., TrainingRun]]:
    """`start(seed=1)`: a run of Alice's over a small table, in the platform's own database and storage."""
    import numpy as np
    import polars as pl

    from datasets import storage
    from datasets.models import Dataset, DatasetVersion
    from datasets.profile import profile
    from datasets.schema import Schema

    location = {"location": str(platform.home / "files")}
    storages = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": location}}
    settings.STORAGES = storages
    random_ = np.random.default_rng(7)
    frame = pl.DataFrame({"a": random_.normal(size=600), "b": random_.normal(size=600)})
    frame = frame.with_columns(y=(pl.col("a") * pl.col("b") > 0))
    frame.write_parquet(tmp_path / "table.parquet")
    with (tmp_path / "table.parquet").open("rb") as content:
        storage.place(File(content), "datasets/table.parquet")
    schema = [{"name": "a", "type": "number"}, {"name": "b", "type": "number"}, {"name": "y", "type": "boolean"}]
    own = {"department": platform.department, "created_by": platform.alice}
    version = DatasetVersion.objects.create(
        dataset=Dataset.objects.create(name="table", **own), number=1, state="ready", rows=600, columns=3,
        storage_key="datasets/table.parquet", sha256="0" * 64, source_name="t.csv", source_key="t", schema=schema,
        profile=profile(tmp_path / "table.parquet", Schema.from_json(schema)), **own,
    )  # fmt: skip

    def begin(**changes: Any) -> TrainingRun:
        request = Request(target="y", family="mlp", params={**NET, **changes})
        asked = {"actor": actor_for(platform.alice), "department": platform.department, "version": version}
        run = services.start_run(**asked, request=request)
        Job.objects.filter(pk=run.job_id).update(max_attempts=20)
        return run

    yield begin


def steer(platform: Site, run: TrainingRun, signal: str) -> None:
    found = TrainingRun.objects.select_related("job", "department").get(pk=run.pk)
    services.signal_run(actor=actor_for(platform.alice), run=found, signal=signal)


def learning(run: TrainingRun) -> int:
    """Wait until the run has drawn a first point in its present attempt; its child's pid."""

    def child() -> int | None:
        job = Job.objects.get(pk=run.job_id)
        return job.child_pid if job.state == "running" and run.points.exists() else None

    return int(wait_until(child, STUCK_AFTER, "the training to begin"))


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def seconds_until(run: TrainingRun, state: str, pid: int) -> float:
    began = time.monotonic()
    wait_until(lambda: state_of(run) == state and is_gone(pid), 10, f"the run to be {state}, its child to be gone")
    return time.monotonic() - began


def state_of(run: TrainingRun) -> str:
    return str(TrainingRun.objects.select_related("job").get(pk=run.pk).current_state)


def finished(platform: Site, run: TrainingRun) -> str:
    """Wait for the run's end; the hash of its model."""
    wait_until(lambda: state_of(run) in ("succeeded", "stopped", "failed"), STUCK_AFTER, "the run to end")
    found = TrainingRun.objects.get(pk=run.pk)
    assert found.state == "succeeded", found.error
    return str(ModelVersion.objects.get(run=run).sha256)


def test_a_run_that_is_paused_and_killed_ends_with_the_same_bytes(
    platform: Site, start: Callable[..., TrainingRun]
) -> None:
    seed = int(os.environ.get("ATRIUM_KILL_SEED") or random.randrange(10**6))
    print(f"ATRIUM_KILL_SEED={seed}")
    dice = random.Random(seed)
    platform.beat()
    worker = platform.worker(concurrency=1)
    whole, run = start(), start()
    expected = finished(platform, whole)

    pid = learning(run)
    time.sleep(dice.uniform(0, 1))
    steer(platform, run, "pause")
    assert seconds_until(run, "paused", pid) < 5
    platform.wait(platform.queue("test.work", steps=1), timeout=20)  # the one worker is free
    steer(platform, run, "resume")

    time.sleep(dice.uniform(0, 0.5))
    with contextlib.suppress(ProcessLookupError):
        os.kill(learning(run), signals.SIGKILL)
    learning(run)
    time.sleep(dice.uniform(0, 0.5))
    for process in [*psutil.Process(worker.pid).children(recursive=True), worker]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    worker.wait()
    platform.worker(concurrency=1)
    assert finished(platform, run) == expected
    assert Job.objects.get(pk=run.job_id).attempt >= 3


def test_stop_and_cancel_take_effect_and_free_the_worker(platform: Site, start: Callable[..., TrainingRun]) -> None:
    platform.worker(concurrency=1)
    run = start(epochs=100_000)
    pid = learning(run)
    steer(platform, run, "stop")
    assert seconds_until(run, "stopped", pid) < 5
    assert ModelVersion.objects.get(run=run).card["stopped_early"] is True
    run = start(epochs=100_000)
    pid = learning(run)
    steer(platform, run, "cancel")
    assert seconds_until(run, "cancelled", pid) < 5
    assert not ModelVersion.objects.filter(run=run).exists()
    assert Job.objects.get(pk=run.job_id).child_pid is None
    platform.wait(platform.queue("test.work", steps=1), timeout=20)
