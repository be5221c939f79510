"""A run as it is this moment: its state, how long it still takes, and what is new since a reader last looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson
from django.utils import timezone

from jobs.models import Job, JobLog, JobState, JobUsage
from training.curves import full_name, sampled
from training.models import RunMetric, TrainingRun

FIRST_POINTS = 1000  # of each curve, for a reader that begins: enough for every pixel of a wide screen
MOST_LINES = 500
LATE = 10  # points of use that the recent speed is taken from: about twenty seconds


def eta_seconds(run: TrainingRun, usage: Sequence[JobUsage] = ()) -> float | None:
    """Seconds until the run should end: from its progress once that says something, before from the estimate.

    With the points of its present attempt, the speed since it began and that of late count equally, so that neither a slow start
    nor a moment's stop moves the estimate much. A run with a time limit is never given more than what is left of that.
    """
    job = run.job
    if job is None or run.is_finished or job.state not in {JobState.QUEUED, JobState.RUNNING}:
        return None
    if job.started_at is None or job.state == JobState.QUEUED:
        return run.estimate_seconds
    spent = (timezone.now() - job.started_at).total_seconds()
    left = _left(job, spent, usage)
    if left is None:
        left = max(run.estimate_seconds * (1 - job.progress) - spent, 1.0) if run.estimate_seconds else None
    if run.time_limit is not None:
        # Of a run with a limit, the progress is at least the share of it that has gone by.
        rest = run.time_limit * (1 - job.progress)
        left = rest if left is None else min(left, rest)
    return None if left is None else round(left, 1)


def _left(job: Job, spent: float, usage: Sequence[JobUsage]) -> float | None:
    """By the progress alone; None while it says nothing yet. What an earlier attempt did is not this one's speed."""
    if job.attempt > 1 and not usage:
        return None
    done = job.progress - (usage[0].progress if job.attempt > 1 else 0.0)
    if done < 0.05 or spent <= 0:
        return None
    speeds = [done / spent]
    if usage:
        recent = usage[-min(len(usage), LATE)]
        gained, seconds = job.progress - recent.progress, (timezone.now() - recent.at).total_seconds()
        speeds += [gained / seconds] if gained > 0 and seconds > 0 else []
    return (1 - job.progress) / (sum(speeds) / len(speeds))


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader has come: the last point, line of the log and point of use that it has."""

    point: int = 0
    line: int = 0
    usage: int = 0

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read `point-line-usage`; anything else is the beginning."""
        parts = text.split("-") if len(text) < 64 else []
        known = len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts)
        return cls(*(int(part) % 2**63 for part in parts)) if known else cls()

    def __str__(self) -> str:
        return f"{self.point}-{self.line}-{self.usage}"


@dataclass(frozen=True, slots=True)
class News:
    """What happened since a position."""

    state: dict[str, Any]
    points: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    usage: list[dict[str, Any]]
    position: Position
    ended: bool


def news(run_id: UUID, since: Position) -> News:
    """Read what is new. The run is read first: once it has ended, all its points are there."""
    run = TrainingRun.objects.select_related("job").get(pk=run_id)
    points, point = _points(run, since.point)
    lines, line = _lines(run, since.line)
    usage, used = _usage(run, since.usage)
    return News(state_of(run), points, lines, usage, Position(point, line, used), run.is_finished)


def state_of(run: TrainingRun) -> dict[str, Any]:
    """What the head of the live page shows. `standings` names the leaderboard as it is: another name, another board."""
    eta = eta_seconds(run, attempt_of(run))
    return {
        "state": run.current_state,
        "progress": round(run.current_progress, 4),
        "note": run.job.note if run.job else "",
        "eta_seconds": None if eta is None else round(eta),
        "signal": run.job.signal if run.job and not run.is_finished else "",
        "standings": crc32(orjson.dumps(run.leaderboard)) if run.leaderboard else 0,
    }


def attempt_of(run: TrainingRun) -> list[JobUsage]:
    """The first and the latest points of what the present attempt uses."""
    job = run.job
    if job is None or run.is_finished or job.state != JobState.RUNNING:
        return []
    points = job.usage.filter(attempt=job.attempt)
    latest = list(points.order_by("-pk")[:LATE])[::-1]
    return [*points[:1], *latest] if latest else []


def _usage(run: TrainingRun, after: int) -> tuple[list[dict[str, Any]], int]:
    if run.job_id is None:
        return [], after
    rows = list(JobUsage.objects.filter(job_id=run.job_id, pk__gt=after).order_by("pk"))
    points = [
        {"at": row.at.isoformat(), "cpu": row.cpu_percent, "memory_mb": row.memory_mb, "threads": row.threads}
        for row in rows
    ]
    return points, rows[-1].pk if rows else after


def _points(run: TrainingRun, after: int) -> tuple[list[dict[str, Any]], int]:
    last = run.points.order_by("-pk").values_list("pk", flat=True).first() or 0
    if last <= after:
        return [], after
    if after == 0:
        return _first(run), last
    fresh: list[RunMetric] = list(run.points.filter(pk__gt=after, pk__lte=last).order_by("pk"))
    return [
        {"step": p.step, "values": {full_name(p.candidate, n): v for n, v in p.values.items()}} for p in fresh
    ], last


def _first(run: TrainingRun) -> list[dict[str, Any]]:
    """The curve so far, down-sampled, as records of a step."""
    records: dict[int, dict[str, float]] = {}
    for name, curve in sampled(run, FIRST_POINTS).items():
        for step, value in zip(curve["steps"], curve["values"], strict=True):
            records.setdefault(step, {})[name] = value
    return [{"step": step, "values": records[step]} for step in sorted(records)]


def _lines(run: TrainingRun, after: int) -> tuple[list[dict[str, Any]], int]:
    if run.job_id is None:
        return [], after
    newest = JobLog.objects.filter(job_id=run.job_id, pk__gt=after).order_by("-pk")[:MOST_LINES]
    rows = list(newest)[::-1]
    lines = [{"at": row.at.isoformat(), "level": row.level, "message": row.message} for row in rows]
    return lines, rows[-1].pk if rows else after
