"""A study on real workers that are killed (-9) at random points: every trial is made once, none is lost, poor ones end
early, and the study ends with its best trial. ATRIUM_KILL_SEED repeats."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable

import psutil

from departments.access import actor_for
from jobs.models import Job
from tests.jobs.site import Site, wait_until
from tests.jobs.test_kill import STUCK_AFTER
from tests.jobs.test_kill_run import start  # noqa: F401
from training.configuration import Request
from training.models import ModelVersion, Study, TrainingRun
from training.studies import start_study
from training.study_options import Options
from training.study_steering import resume_study

TRIALS = 6


def kill(worker: object) -> None:
    assert isinstance(worker, psutil.Popen | psutil.Process)
    for process in [*worker.children(recursive=True), worker]:
        with contextlib.suppress(psutil.Error):
            process.kill()


def ended(study: Study) -> bool:
    return Study.objects.get(pk=study.pk).finished_at is not None


def test_killed_workers_lose_no_trial(platform: Site, start: Callable[..., TrainingRun]) -> None:  # noqa: F811
    seed = int(os.environ.get("ATRIUM_KILL_SEED") or random.randrange(10**6))
    print(f"ATRIUM_KILL_SEED={seed}")
    dice = random.Random(seed)
    version = start(epochs=1).dataset_version
    platform.beat()
    worker = platform.worker(concurrency=2)
    study = start_study(
        actor=actor_for(platform.alice),
        department=platform.department,
        version=version,
        request=Request(target="y", family="mlp", params={"hidden": [32], "epochs": 120, "batch_size": 16, "patience": None}),
        search={"learning_rate": [1e-6, 3e-6, 3e-3, 6e-3]},
        trials=TRIALS,
        options=Options(pruner="asha"),
    )  # fmt: skip
    Job.objects.filter(run__trial__study=study).update(max_attempts=20)
    for _time in range(2):
        wait_until(
            lambda: Job.objects.filter(state="running", run__points__gt=0).exists(), STUCK_AFTER, "a trial to begin"
        )
        time.sleep(dice.uniform(0, 0.7))
        kill(psutil.Process(worker.pid))
        worker.wait()
        Job.objects.filter(run__trial__study=study).update(max_attempts=20)
        worker = platform.worker(concurrency=2)
    wait_until(lambda: ended(study), STUCK_AFTER, "the study to end")
    made = Study.objects.get(pk=study.pk)
    trials = list(made.trials.select_related("run"))
    assert made.state == "succeeded" and [trial.number for trial in trials] == list(range(1, TRIALS + 1))
    assert {trial.run.state for trial in trials} <= {"succeeded", "pruned"}
    assert ModelVersion.objects.filter(run__trial__study=study).count() == 1

    resume_study(actor=actor_for(platform.alice), study=made, trials=2)
    wait_until(lambda: ended(study), STUCK_AFTER, "the continued study to end")
    assert Study.objects.get(pk=study.pk).trials.count() == TRIALS + 2
