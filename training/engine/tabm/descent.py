"""Training the members: a warm-up, a flat stretch, and a fall of the rate to nothing that begins when it should.

The fall begins at a fixed share of the steps; earlier, and from the best weights so far, when the validation loss no
longer improves; and earlier still when the time that is left is what the fall will take at the speed measured so far:
a fit that its time limit shortens still ends annealed. How long the fall is follows from how long the flat stretch was.
(A flat rate and then a fall, as in RealMLP; Hägele et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed
Training Durations".)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from training.engine.errors import Diverged
from training.engine.tabm.answers import LOSSES, common
from training.engine.tabm.front import Encoder
from training.engine.tabm.network import Network

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Control

FALL = 0.5  # steps of the fall for each of the flat stretch
WARM = 20  # steps over which the rate rises
EVALUATION = 262_144  # rows × members looked at in one go
FIRST, SECOND, TINY = 0.9, 0.99, 1e-8  # of Adam
DIVERGED = 1e4  # times the first loss
COUNTERS = ("step", "first_loss", "total_loss", "since", "best", "best_step", "fall", "length", "ended_by")


@dataclass(frozen=True)
class Part:
    """Shape: X (rows, d) scaled, y (rows,), w (rows,)."""

    X: Tensor
    y: Tensor
    w: Tensor

    def __len__(self) -> int:
        return len(self.y)


class Descent:
    """AdamW on the network's flat tensor. After `run` the network holds the weights of the best evaluation."""

    def __init__(
        self,
        network: Network,
        encoder: Encoder,
        params: Mapping[str, Any],
        control: Control,
        *,
        loss: str,
        seed: int,
    ) -> None:
        self.network, self.encoder, self.loss_name = network, encoder, loss
        self.params, self.control, self.seed = params, control, seed
        self.generator = torch.Generator()
        theta = network.theta
        self.moments = {"first": torch.zeros_like(theta), "second": torch.zeros_like(theta)}
        self.scratch = torch.empty_like(theta)
        self.kept = theta.clone()
        self.step = self.best_step = self.since = 0
        self.fall = -1  # the step at which the fall began, and how many steps it takes
        self.length = 0
        self.first_loss = self.total_loss = 0.0
        self.best = math.inf
        self.ended_by = ""

    def run(self, train: Part, validation: Part) -> None:
        """Raises Diverged, TrainCancelled, TrainPaused."""
        self.batch_size = min(len(train), self.params["batch_size"])
        self.every = math.ceil(len(train) / self.batch_size)
        self.network.draw_pattern(self.batch_size, self.generator.manual_seed(_mix(self.seed, 0, 0)))
        total = self.params["steps"] or self.params["epochs"] * self.every
        # A hair more, as a quotient that is whole may come out a hair less.
        self.flat = max(1, math.floor(total / (1.0 + FALL) + 1e-9))
        if (found := self.control.resume()) is not None:
            self.load_state(*found)
        self.pace = Pace(self.control, self.step)
        while not self.finished():
            self.train_step(*self.batch(train))
            if self.step % self.every == 0 or self.finished():
                self.evaluate(validation)
            self.consider_fall(len(validation) > 0)
            self.control.progress(self.step / total, f"step {self.step:,} of {total:,}")
            if not self.control.go_on(self.state):
                break
        self.control.ended_by = self.control.ended_by or self.ended_by
        if math.isfinite(self.best):
            self.network.theta.copy_(self.kept)

    def finished(self) -> bool:
        return self.fall >= 0 and self.step >= self.fall + self.length

    def consider_fall(self, judged: bool) -> None:
        if self.fall >= 0:
            return
        waited = (self.step - self.best_step) // self.every
        if self.step >= self.flat:
            self.begin_fall(self.step)
        elif judged and self.params["patience"] and waited >= self.params["patience"]:
            self.network.theta.copy_(self.kept)
            self.moments["first"].zero_()
            self.begin_fall(self.best_step)
        elif self.pace.short(self.step, math.ceil(FALL * self.step)):
            self.begin_fall(self.step)
            self.ended_by = "time limit"

    def begin_fall(self, flat: int) -> None:
        """After so many steps of use at the full rate."""
        self.fall, self.length = self.step, math.ceil(FALL * flat)

    def rate(self) -> float:
        """The learning rate of the step to come."""
        rate: float = self.params["learning_rate"]
        if self.fall < 0:
            return rate * min(1.0, (self.step + 1) / WARM)
        done = (self.step - self.fall + 0.5) / self.length
        return rate * min(1.0, (self.step + 1) / WARM) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))

    def batch(self, train: Part) -> tuple[Tensor, Tensor, Tensor]:
        """The step's rows: a stretch of the epoch's permutation, which follows from the seed and the epoch alone."""
        epoch, place = divmod(self.step, self.every)
        if place == 0 or not hasattr(self, "order"):
            self.order = torch.randperm(len(train), generator=self.generator.manual_seed(_mix(self.seed, 1, epoch)))
        rows = self.order[place * self.batch_size : (place + 1) * self.batch_size]
        return train.X[rows], train.y[rows], train.w[rows]

    def train_step(self, X: Tensor, y: Tensor, w: Tensor) -> None:
        """Forward, the mean of the members' losses, backward, step."""
        self.generator.manual_seed(_mix(self.seed, 2, self.step))
        output = self.network.forward(self.encoder(X), self.generator)
        losses, slope = LOSSES[self.loss_name](output, y)
        share = w / (len(losses) * len(y))
        self.watch(float((losses @ share).sum()))
        self.network.backward(slope * share[:, None])
        self.descend()

    def descend(self) -> None:
        """AdamW (Loshchilov and Hutter 2019); only the shared weights and the heads decay."""
        theta, rate = self.network.theta, self.rate()
        slope = theta.grad
        assert slope is not None
        self.step += 1
        theta[: self.network.decaying].mul_(1.0 - rate * self.params["weight_decay"])
        self.moments["first"].lerp_(slope, 1.0 - FIRST)
        self.moments["second"].mul_(SECOND).addcmul_(slope, slope, value=1.0 - SECOND)
        torch.sqrt(self.moments["second"], out=self.scratch)
        self.scratch.div_((1.0 - SECOND**self.step) ** 0.5).add_(TINY)
        theta.addcdiv_(self.moments["first"], self.scratch, value=-rate / (1.0 - FIRST**self.step))

    def watch(self, loss: float) -> None:
        self.first_loss = self.first_loss or loss
        if not math.isfinite(loss) or loss > DIVERGED * max(self.first_loss, 1e-12):
            raise Diverged(self.step, loss, self.rate(), None)
        self.total_loss += loss
        self.since += 1
        if self.step == 0:
            self.control.metrics(1, {"train_loss": loss})

    def evaluate(self, validation: Part) -> None:
        """Log the losses since the last evaluation; keep the weights if they are the best."""
        mean = self.total_loss / max(1, self.since)
        values = {"train_loss": mean, "learning_rate": self.rate()}
        self.total_loss, self.since = 0.0, 0
        judged = mean
        if len(validation):
            judged = values["validation_loss"] = self.mean_loss(validation)
        self.control.metrics(self.step, values)
        if judged < self.best:
            self.best, self.best_step = judged, self.step
            self.kept.copy_(self.network.theta)

    def mean_loss(self, part: Part) -> float:
        """The loss of the members' common answer."""
        total = 0.0
        size = max(1, EVALUATION // self.network.sizes.members)
        for X, y, w in zip(*(torch.split(tensor, size) for tensor in (part.X, part.y, part.w)), strict=True):
            answer = common(self.network.forward(self.encoder(X)), self.loss_name)
            total += float(LOSSES[self.loss_name](answer, y)[0][0] @ w)
        return total / float(part.w.sum())

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Order and dropout follow from the seed and the step, so that no generator's state is kept."""
        arrays = {"theta": self.network.theta, "kept": self.kept, **self.moments}
        return {name: tensor.numpy().copy() for name, tensor in arrays.items()}, {
            counter: getattr(self, counter) for counter in COUNTERS
        }

    def load_state(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        for name, tensor in {"theta": self.network.theta, "kept": self.kept, **self.moments}.items():
            tensor.copy_(torch.from_numpy(arrays[name].copy()))
        for counter in COUNTERS:
            setattr(self, counter, state[counter])


class Pace:
    """How fast the steps are, and whether what is left of the time is just enough for so many more."""

    def __init__(self, control: Control, step: int) -> None:
        self.control, self.start, self.begun = control, step, control.elapsed

    def short(self, step: int, wanted: int) -> bool:
        if self.control.seconds is None or step - self.start < 5:
            return False
        now = self.control.elapsed
        each = (now - self.begun) / (step - self.start)
        return now + 1.1 * wanted * each >= self.control.seconds * 0.97


def _mix(seed: int, use: int, count: int) -> int:
    """A seed of its own for each use and count."""
    return ((seed * 4 + use) * 1_000_003 + count * 7_919) % (2**63)
