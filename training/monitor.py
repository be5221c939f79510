"""Between the engine and the job: curves into the database, log and progress to whoever waits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.utils import timezone

from training.models import RunMetric, TrainingRun

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.context import JobContext
    from training.artifacts import Stored
    from training.engine.control import Signal

FLUSH_EVERY = 0.3  # seconds: the curve moves within one, and a fast loop writes in bulk


class JobMonitor:
    """The engine's Monitor over a job's context."""

    def __init__(self, run_id: UUID, ctx: JobContext) -> None:
        self.run_id = run_id
        self.ctx = ctx
        self._waiting: dict[tuple[str, int], dict[str, float]] = {}
        self._flushed = 0.0

    def log(self, message: str, level: str = "info") -> None:
        self.ctx.log(message, level)

    def progress(self, fraction: float, note: str = "") -> None:
        self.ctx.progress(fraction, note)

    def standings(self, leaderboard: list[dict[str, Any]]) -> None:
        """How the members stand so far, for the run's page: what is done improves while it is looked at."""
        with self.ctx.write():
            TrainingRun.objects.filter(pk=self.run_id).update(leaderboard=leaderboard)

    def signal(self) -> Signal:
        """What the job's owner wants now; points that have waited long enough are written on the way."""
        if self._waiting and time.monotonic() - self._flushed >= FLUSH_EVERY:
            self.flush()
        return cast("Signal", self.ctx.signal())

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Take one point. Names may begin with their candidate, as in `mlp/train_loss`."""
        for name, value in values.items():
            candidate, _slash, metric = name.rpartition("/")
            self._waiting.setdefault((candidate, step), {})[metric] = value
        if time.monotonic() - self._flushed >= FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Write the waiting points, fenced. A resumed run repeats steps; their points are equal and replace the old."""
        if not self._waiting:
            return
        points = [self._point(candidate, step, values) for (candidate, step), values in self._waiting.items()]
        with self.ctx.write():
            RunMetric.objects.bulk_create(
                points,
                update_conflicts=True,
                unique_fields=["run", "candidate", "step"],
                update_fields=["values", "at"],
            )
        self._waiting.clear()
        self._flushed = time.monotonic()

    def trained(self, artifact: Path, stored: Stored) -> None:
        """The model is written, and not yet the run's."""

    def settle(self) -> None:
        """Within the transaction that ends the run with a result."""

    def ended_early(self, result: dict[str, Any]) -> bool:
        """Whether the training was told to leave by the monitor itself, which has then ended the run."""
        return False

    def _point(self, candidate: str, step: int, values: dict[str, Any]) -> RunMetric:
        at = timezone.now()
        return RunMetric(run_id=self.run_id, candidate=candidate, step=step, values=values, at=at)
