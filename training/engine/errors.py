"""What a training can end with besides a model."""

from __future__ import annotations


class TrainError(Exception):
    """A training that cannot give a model, in words that say what to do.

    `code` is stable; `detail` says what is wrong; `hint` what to do; `field` names the input at fault ("target",
    "features", "params.learning_rate", …) or is empty.
    """

    def __init__(self, code: str, detail: str, hint: str = "", field: str = "") -> None:
        super().__init__(f"{detail} {hint}".strip())
        self.code = code
        self.detail = detail
        self.hint = hint
        self.field = field


class Diverged(TrainError):
    """The loss grew without bound or stopped being a number. Knows the step, the loss and the learning rate."""

    def __init__(self, step: int, loss: float, learning_rate: float, safe_rate: float | None = None) -> None:
        rate = f"at most {safe_rate:.3g}" if safe_rate else f"{learning_rate / 10:.3g} (a tenth of it)"
        super().__init__(
            "diverged",
            f"The loss diverged: {loss:.4g} at step {step} with learning rate {learning_rate:.4g}.",
            f"Use a learning rate of {rate}.",
            "params.learning_rate",
        )
        self.step = step
        self.loss = loss
        self.learning_rate = learning_rate
        self.safe_rate = safe_rate


class TrainCancelled(Exception):
    """The training was told to cancel and discard."""


class TrainPaused(Exception):
    """The training was told to pause; a second call with the same working folder goes on exactly where it left."""
