"""A run as it is this moment: its state, how long it still takes, and what is new since a reader last looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from jobs.models import JobLog, JobState
from training.curves import full_name, sampled
from training.models import RunMetric, TrainingRun

FIRST_POINTS = 1000  # of each curve, for a reader that begins: enough for every pixel of a wide screen
MOST_LINES = 500


def eta_seconds(run: TrainingRun) -> float | None:
    """Seconds until the run should end: from its progress once that says something, before from the estimate."""
    job = run.job
    if job is None or run.is_finished or job.state not in {JobState.QUEUED, JobState.RUNNING}:
        return None
    if job.started_at is None or job.state == JobState.QUEUED:
        return run.estimate_seconds
    spent = (timezone.now() - job.started_at).total_seconds()
    if job.progress >= 0.05:
        return round(spent * (1 - job.progress) / job.progress, 1)
    return round(max(run.estimate_seconds - spent, 1.0), 1) if run.estimate_seconds else None


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader has come: the last point and the last line of the log that it has."""

    point: int = 0
    line: int = 0

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read `point-line`; anything else is the beginning."""
        point, _dash, line = text.partition("-")
        known = point.isascii() and point.isdigit() and line.isascii() and line.isdigit() and len(text) < 40
        return cls(int(point) % 2**63, int(line) % 2**63) if known else cls()

    def __str__(self) -> str:
        return f"{self.point}-{self.line}"


@dataclass(frozen=True, slots=True)
class News:
    """What happened since a position."""

    state: dict[str, Any]
    points: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    position: Position
    ended: bool


def news(run_id: UUID, since: Position) -> News:
    """Read what is new. The run is read first: once it has ended, all its points are there."""
    run = TrainingRun.objects.select_related("job").get(pk=run_id)
    points, point = _points(run, since.point)
    lines, line = _lines(run, since.line)
    return News(state_of(run), points, lines, Position(point, line), run.is_finished)


def state_of(run: TrainingRun) -> dict[str, Any]:
    """What the head of the live page shows."""
    eta = eta_seconds(run)
    return {
        "state": run.current_state,
        "progress": round(run.current_progress, 4),
        "note": run.job.note if run.job else "",
        "eta_seconds": None if eta is None else round(eta),
        "signal": run.job.signal if run.job and not run.is_finished else "",
    }


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
