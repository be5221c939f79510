"""The line between a training and whoever watches it: log, metrics, progress, signals, time limit, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from training.engine import checkpoint
from training.engine.errors import Diverged, TrainCancelled, TrainPaused

if TYPE_CHECKING:
    import numpy as np

Signal = Literal["go", "stop", "cancel", "pause"]
State = tuple[Mapping[str, "np.ndarray"], Mapping[str, Any]]


class Monitor(Protocol):
    """Who watches a training."""

    def log(self, message: str, level: str = "info") -> None: ...

    def metrics(self, step: int, values: dict[str, float]) -> None: ...

    def progress(self, fraction: float, note: str = "") -> None: ...

    def standings(self, leaderboard: list[dict[str, Any]]) -> None:
        """How the members of a training stand so far: see crossval.CrossValidation.leaderboard."""

    def signal(self) -> Signal:
        """What the training should do now; asked at every batch, so it must be cheap."""


class Silent:
    """A monitor that watches nothing and never interrupts: for notebooks and probes."""

    def log(self, message: str, level: str = "info") -> None: ...

    def metrics(self, step: int, values: dict[str, float]) -> None: ...

    def progress(self, fraction: float, note: str = "") -> None: ...

    def standings(self, leaderboard: list[dict[str, Any]]) -> None: ...

    def signal(self) -> Signal:
        return "go"


class Control:
    """One candidate's share of a training: its time, its checkpoint, its part of the progress bar.

    `seconds` is the candidate's time (None: no limit), counted over interruptions. `store` is the checkpoint file.
    `prefix` goes before metric names when a run trains several candidates; `span` is this candidate's part of the
    whole progress. After the fit, `ended_by` is "" (it finished), "stop", "time limit" or "divergence", and `warning` says
    of the last what happened and what to change.
    """

    def __init__(
        self,
        monitor: Monitor,
        *,
        store: Path | None = None,
        seconds: float | None = None,
        device: str = "cpu",
        threads: int = 1,
        checkpoint_every: float = 5.0,
        prefix: str = "",
        span: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        self.monitor = monitor
        self.store = store
        self.seconds = seconds
        self.device = device
        self.threads = threads
        self.checkpoint_every = checkpoint_every
        self.prefix = prefix
        self.span = span
        self.ended_by = self.warning = ""
        self._started = self._saved = self._logged = self._shown = time.monotonic()
        self._before = 0.0

    @property
    def before(self) -> float:
        """Seconds that interrupted attempts spent."""
        return self._before

    @property
    def elapsed(self) -> float:
        """Seconds spent on this candidate, those before an interruption included."""
        return self._before + time.monotonic() - self._started

    def go_on(self, snapshot: Callable[[], State]) -> bool:
        """Return whether to go on. Saves a checkpoint now and then; raises TrainCancelled or TrainPaused when told."""
        signal = self.monitor.signal()
        if signal == "cancel":
            raise TrainCancelled
        if signal == "pause":
            self.save(snapshot)
            raise TrainPaused
        if signal == "stop" or (self.seconds is not None and self.elapsed >= self.seconds):
            self.ended_by = "stop" if signal == "stop" else "time limit"
            return False
        if time.monotonic() - self._saved >= self.checkpoint_every:
            self.save(snapshot)
        return True

    def diverged(self, error: Diverged) -> None:
        """The fit went back to its best weights before it diverged, and ends with them."""
        self.ended_by, self.warning = "divergence", f"{error} The best weights before that are kept."
        self.monitor.log(self.warning, level="warning")

    def save(self, snapshot: Callable[[], State]) -> None:
        if self.store is not None:
            arrays, state = snapshot()
            checkpoint.save(self.store, arrays, {**state, "elapsed": self.elapsed})
        self._saved = time.monotonic()

    def resume(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Return the arrays and state of the last checkpoint, if there is one, and count its time."""
        found = checkpoint.load(self.store) if self.store is not None else None
        if found is not None:
            self._before = float(found[1]["elapsed"])
        return found

    def metrics(self, step: int, values: Mapping[str, float], every: float = 0.0) -> None:
        """Log metrics; with `every`, at most once in so many seconds, so that a busy loop does not flood the log."""
        now = time.monotonic()
        if every and now - self._logged < every:
            return
        self._logged = now
        self.monitor.metrics(step, {self.prefix + name: float(value) for name, value in values.items()})

    def progress(self, fraction: float, note: str = "", every: float = 0.2) -> None:
        now = time.monotonic()
        if now - self._shown < every:
            return
        self._shown = now
        if self.seconds:
            fraction = max(fraction, min(1.0, self.elapsed / self.seconds))
        low, high = self.span
        self.monitor.progress(low + (high - low) * min(1.0, fraction), note)
