"""What the live page is told: how long a run still takes, what it uses, its standings."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs import lifecycle
from jobs.models import Job, JobUsage
from jobs.usage import UsageLog
from training import live
from training.models import TrainingRun


@pytest.fixture
def going(linear_run: Callable[..., Any]) -> Callable[..., TrainingRun]:
    """`going(progress=0.5, seconds=10)`: a run that a worker has had for ten seconds."""

    def make(*, progress: float, seconds: float, attempt: int = 1, limit: float | None = None) -> TrainingRun:
        run = linear_run()
        begun = timezone.now() - timedelta(seconds=seconds)
        held = {"state": "running", "started_at": begun, "progress": progress, "attempt": attempt}
        Job.objects.filter(pk=run.job_id).update(**held)
        TrainingRun.objects.filter(pk=run.pk).update(time_limit=limit, estimate_seconds=40.0)
        return TrainingRun.objects.select_related("job").get(pk=run.pk)

    return make


def used(run: TrainingRun, *points: tuple[float, float]) -> list[JobUsage]:
    """Points of (seconds ago, progress)."""
    job, now = run.job, timezone.now()
    assert job is not None
    fixed = {"job": job, "attempt": job.attempt, "cpu_percent": 99.0, "memory_mb": 80, "threads": 1}
    return [JobUsage.objects.create(**fixed, at=now - timedelta(seconds=s), progress=p) for s, p in points]


def test_before_it_moves_the_estimate_counts(going: Callable[..., TrainingRun]) -> None:
    assert live.eta_seconds(going(progress=0.0, seconds=10)) == pytest.approx(30, abs=1)


def test_then_the_speed_counts(going: Callable[..., TrainingRun]) -> None:
    assert live.eta_seconds(going(progress=0.25, seconds=10)) == pytest.approx(30, abs=1)


def test_a_moments_stop_moves_it_little(going: Callable[..., TrainingRun]) -> None:
    """It stood still for the last ten of twenty seconds: neither never, nor as if nothing had happened."""
    run = going(progress=0.5, seconds=20)
    used(run, (20, 0.0), (10, 0.45), (8, 0.5), (2, 0.5))
    eta = live.eta_seconds(run, live.attempt_of(run))
    assert eta is not None and 19 <= eta <= 21
    faster = used(run, *((s, 0.3 + 0.02 * (18 - s) / 2) for s in range(18, 0, -2)))
    assert faster and (live.eta_seconds(run, live.attempt_of(run)) or 0) > 0


def test_a_resumed_run_is_not_judged_by_what_came_before(going: Callable[..., TrainingRun]) -> None:
    run = going(progress=0.6, seconds=10, attempt=2)
    points = used(run, (10, 0.5), (5, 0.55))
    assert live.eta_seconds(run, points) == pytest.approx(40, abs=2), "a tenth in ten seconds, four tenths are left"
    assert live.eta_seconds(run) == pytest.approx(6, abs=1), "without points: what is left of the estimate"


def test_a_time_limit_is_the_end(going: Callable[..., TrainingRun]) -> None:
    assert live.eta_seconds(going(progress=0.1, seconds=10, limit=20)) == pytest.approx(18)


def test_a_busy_process_is_measured(linear_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from jobs.cpu import CpuMeter

    job = lifecycle.claim(linear_run().job_id, 1, worker="w")
    assert job is not None
    meter, began = CpuMeter(os.getpid()), time.monotonic()
    log = UsageLog(job, os.getpid())
    log.cpu_ms = meter.sample()
    while time.process_time() < 0.3 or time.monotonic() - began < 0.3:
        sum(range(10_000))
    log.take(time.monotonic(), cpu_ms=meter.sample(), memory_mb=123)
    (point,) = job.usage.all()
    assert 20 < point.cpu_percent < 250 and point.memory_mb == 123 and point.threads >= 1
    assert not log.is_due(log.at + 1.9) and log.is_due(log.at + 2.1)
    log.began -= 86_400
    assert not log.is_due(log.at + 200), "a day's run leaves a point every five minutes"


LEADER = {
    "rank": 1, "metric": "log_loss", "validation": 0.31, "low": 0.28, "high": 0.34, "train": 0.3, "family": "linear",
    "label": "Linear model", "params": {}, "seconds": 0.2, "size": 900, "weight": 0.4, "latency_ms": 0.01, "models": 5,
    "error": "",
}  # fmt: skip


def test_standings_fill_while_it_runs(
    going: Callable[..., TrainingRun], browser_of: Callable[[str], Client], people: SimpleNamespace
) -> None:
    run = going(progress=0.5, seconds=10)
    before = live.state_of(run)["standings"]
    TrainingRun.objects.filter(pk=run.pk).update(leaderboard=[LEADER])
    run.refresh_from_db()
    assert live.state_of(run)["standings"] != before
    text = browser_of("bob").get(f"/runs/{run.pk}/leaderboard/").content.decode()
    assert "Linear model" in text and "0.28 – 0.34" in text and "40 %" in text and "whisker" in text
    old = {name: value for name, value in LEADER.items() if name not in ("low", "high", "weight", "latency_ms")}
    TrainingRun.objects.filter(pk=run.pk).update(
        leaderboard=[old, {**old, "rank": 2, "error": "broke", "label": "Trees"}]
    )
    assert "broke" in browser_of("bob").get(f"/runs/{run.pk}/leaderboard/").content.decode()


def test_a_reader_goes_on_with_what_it_has_not_seen(going: Callable[..., TrainingRun]) -> None:
    run = going(progress=0.5, seconds=10)
    used(run, (4, 0.1), (2, 0.2))
    first = live.news(run.pk, live.Position())
    assert [point["cpu"] for point in first.usage] == [99.0, 99.0]
    again = live.Position.parse(str(first.position))
    assert again == first.position and live.news(run.pk, again).usage == []
    assert live.Position.parse("1-2") == live.Position.parse("x-1-2") == live.Position()
