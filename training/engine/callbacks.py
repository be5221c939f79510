"""Callbacks of the training loop: empty by default, each with its own state in the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from training.engine.fit import Loop


class Callback:
    """Override what you need. `state` and `load_state` go with the checkpoint, so that a resume is exact."""

    def on_start(self, loop: Loop) -> None: ...

    def on_step(self, loop: Loop) -> None:
        """After every optimiser step."""

    def on_tick(self, loop: Loop) -> None:
        """A few times a second."""

    def on_evaluate(self, loop: Loop) -> None:
        """After every evaluation; `loop.train_loss` and `loop.validation_loss` are new."""

    def rescue(self, loop: Loop) -> bool:
        """The training diverged: return whether you can give the loop good weights, and do so when it finishes."""
        return False

    def on_finish(self, loop: Loop) -> None: ...

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {}, {}

    def load_state(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None: ...


class Checkpoint(Callback):
    """Ask the control at every step whether to go on; it saves the loop's state now and then and before a pause."""

    def on_step(self, loop: Loop) -> None:
        if not loop.control.go_on(loop.state):
            loop.stopping = True


class Progress(Callback):
    """Progress by steps done, with the loss in words."""

    def on_tick(self, loop: Loop) -> None:
        loop.control.progress(loop.step / loop.total_steps, f"step {loop.step:,} of {loop.total_steps:,}")


class MetricLog(Callback):
    """Losses at every evaluation, and the batch's loss in between so that a long epoch is not silent.

    The first step is always logged: whoever watches sees a point as soon as there is one.
    """

    def __init__(self, between: float = 0.5) -> None:
        self.between = between

    def on_step(self, loop: Loop) -> None:
        if loop.step == 1:
            loop.control.metrics(1, {"train_loss": loop.batch_loss})

    def on_tick(self, loop: Loop) -> None:
        loop.control.metrics(loop.step, {"train_loss": loop.batch_loss}, every=self.between)

    def on_evaluate(self, loop: Loop) -> None:
        values = {"train_loss": loop.train_loss, "learning_rate": loop.rate}
        if loop.validation_loss is not None:
            values["validation_loss"] = loop.validation_loss
        loop.control.metrics(loop.step, values)


class EarlyStopping(Callback):
    """Stop after `patience` evaluations without a better validation loss (None: never), and keep the best weights.

    Without validation rows it watches the training loss.
    """

    def __init__(self, patience: int | None, keep_best: bool) -> None:
        self.patience = patience
        self.keep_best = keep_best
        self.best = float("inf")
        self.waited = 0
        self.weights: dict[str, np.ndarray] = {}

    def on_evaluate(self, loop: Loop) -> None:
        if loop.judged < self.best:
            self.best, self.waited = loop.judged, 0
            self.weights = loop.weights()
            return
        self.waited += 1
        if self.patience is not None and self.waited >= self.patience:
            loop.stopping = True

    def on_finish(self, loop: Loop) -> None:
        if self.weights and self.keep_best:
            loop.set_weights(self.weights)

    def rescue(self, loop: Loop) -> bool:
        """Good is what answers better than the weights before the first step did."""
        self.keep_best = bool(self.weights) and self.best < loop.first_loss
        return self.keep_best

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return self.weights, {"best": self.best, "waited": self.waited}

    def load_state(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        self.weights = dict(arrays)
        self.best, self.waited = state["best"], state["waited"]
