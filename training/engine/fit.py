"""The engine's gradient-descent loop, in the steps of the algorithm.

Rows lie on the device as whole tensors. An epoch is one permutation, gathered a block at a time and `split`: there is
no loader, no Python per row and no second copy of the table. Everything that decides the next weight is in `state()`,
so that a resumed training ends byte for byte where an uninterrupted one does (on the CPU).
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from training.engine import distributed, losses, schedules
from training.engine.augment import augment
from training.engine.averaging import Average
from training.engine.callbacks import Callback
from training.engine.errors import Diverged
from training.engine.optimisers import OPTIMISERS

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from training.engine.control import Control

EVALUATION_ROWS = 8_192
EVALUATIONS = 200
BLOCK_ROWS = 32_768  # gathered at once: enough to cost no time, few enough to take little room
COUNTERS = (
    "epoch",
    "batch",
    "step",
    "total_steps",
    "planned",
    "shortened",
    "epoch_loss",
    "first_loss",
    "rate",
    "stopping",
)
DIVERGED = 1e4  # times the first loss: no useful training comes back from there
TICK = 0.2  # seconds between two looks at the clock's callbacks
LOOK, USED = 0.1, 0.95  # of a time limit: when the speed is judged, and how much of it the steps may fill


@dataclass(frozen=True)
class Tensors:
    """Shape: X (rows, features), y (rows,), w (rows,) or None where every row counts the same."""

    X: Tensor
    y: Tensor
    w: Tensor | None = None

    def __len__(self) -> int:
        return int(self.y.shape[0])  # len() of a tensor goes through Python and costs ten times as much

    def parts(self) -> list[Tensor]:
        return [self.X, self.y] if self.w is None else [self.X, self.y, self.w]

    def split(self, rows: int) -> Iterator[Tensors]:
        """Consecutive stretches of so many rows."""
        import torch

        for parts in zip(*(torch.split(part, rows) for part in self.parts()), strict=True):
            yield Tensors(*parts)


class Loop:
    """Gradient descent on `module` by the `params` of families/_descent.py.

    `safe_rate` gives, where the mathematics knows one, a learning rate that cannot diverge. `classes` is how many
    outputs share a row's target (1 but for more than two classes).
    """

    def __init__(
        self,
        module: torch.nn.Module,
        loss: str,
        params: Mapping[str, Any],
        control: Control,
        callbacks: Sequence[Callback],
        *,
        seed: int,
        safe_rate: Callable[[], float] | None = None,
        classes: int = 1,
    ) -> None:
        self.module = module
        self.loss = losses.make(loss, params)
        self.params = params
        self.control = control
        self.callbacks = callbacks
        self.seed = seed
        self.safe_rate = safe_rate
        self.classes = classes
        self.team = distributed.team()
        self.average: Average | None = None
        self.stopping = False
        self.validation_loss: float | None = None
        self.train_loss = self.batch_loss = math.inf

    def fit(self, train: Tensors, validation: Tensors) -> None:
        """Train `module` in place. Raises Diverged where nothing good came before, TrainCancelled, TrainPaused."""
        self.initialise(train)
        self._tell("on_start")
        try:
            while not self.stopping:
                self.run_epoch(train, validation)
        except Diverged as error:
            self.retreat(error)
        if self.average is not None:
            self.average.apply()
        if self.shortened and not self.control.ended_by:
            self.control.ended_by = "time limit"
        self._tell("on_finish")

    def retreat(self, error: Diverged) -> None:
        """Go back to the best weights so far and say why; where there are none, raise the error."""
        if not any(callback.rescue(self) for callback in self.callbacks):
            raise error
        self.average = None
        self.control.diverged(error)

    def initialise(self, train: Tensors) -> None:
        """Optimiser, schedule and random generators; then the checkpoint's state over them, if there is one."""
        import torch

        rows, size = len(train), self.team.size
        asked = min(rows, self.params["batch_size"] or rows)
        self.batch_size = min(rows, -(-asked // size) * size)  # equal shares for all processes
        self.total_steps = self.params["epochs"] * math.ceil(rows / self.batch_size)
        self.planned, self.shortened = self.control.seconds is None or size > 1, False
        self.make_optimiser()
        self.schedule = schedules.make(self.params, self.total_steps)
        averaged = self.params["averaging"] != "none"
        self.average = Average(self.module, self.params) if averaged else None
        self.augmenting = bool(self.params["noise"] or self.params["mixup"])
        self.generator = torch.Generator().manual_seed(self.seed)
        self.epoch_start = self.generator.get_state()
        self.epoch = self.batch = self.step = 0
        self.epoch_loss, self.first_loss, self.rate = 0.0, 0.0, self.params["learning_rate"]
        if (found := self.control.resume()) is not None:
            self.load_state(*found)
        self.began, self.began_at, self.ticked = self.step, self.control.elapsed, time.monotonic()

    def make_optimiser(self) -> None:
        self.optimiser = OPTIMISERS[self.params["optimiser"]](self._groups(), self.params)

    def _groups(self) -> list[dict[str, Any]]:
        """Weights decay towards zero; biases of their own are levels, not effects, and do not."""
        named = list(self.module.named_parameters())
        weights = [tensor for name, tensor in named if "bias" not in name]
        biases = [tensor for name, tensor in named if "bias" in name]
        return [{"params": weights}, {"params": biases, "weight_decay": 0.0}] if biases else [{"params": weights}]

    def run_epoch(self, train: Tensors, validation: Tensors) -> None:
        """One pass over the rows; a resumed one skips the batches it had done."""
        for batch in self.batches(train):
            if self.stopping or self.step >= self.total_steps:
                break
            self.train_step(batch)
        every = max(1, self.total_steps * self.batch_size // (len(train) * EVALUATIONS))
        last = self.step >= self.total_steps
        if self.stopping or last or (self.epoch + 1) % every == 0:
            self.evaluate(train, validation)
        self.stopping |= last
        self.epoch, self.batch, self.epoch_loss = self.epoch + 1, 0, 0.0

    def batches(self, train: Tensors) -> Iterator[Tensors]:
        """The epoch's batches that are still to be done, in the order of its permutation."""
        import torch

        done = self.batch * self.batch_size
        if self.batch_size == len(train):
            yield from [] if done else [train]
            return
        if done:
            self.generator.set_state(self.epoch_start)
        else:
            self.epoch_start = self.generator.get_state()
        order = torch.randperm(len(train), generator=self.generator)[done:].to(train.X.device)
        if not len(order):  # interrupted between the last batch and the evaluation
            return
        block = self.batch_size * max(1, BLOCK_ROWS // self.batch_size)
        room = [part.new_empty(min(block, len(order)), *part.shape[1:]) for part in train.parts()]
        for places in torch.split(order, block):
            filled = [kept[: len(places)] for kept in room]
            for part, into in zip(train.parts(), filled, strict=True):
                torch.index_select(part, 0, places, out=into)
            yield from Tensors(*filled).split(self.batch_size)

    def train_step(self, batch: Tensors) -> None:
        """Forward, loss, backward, step."""
        self.rate = self.schedule(self.step)
        loss = self.gradient(batch)
        self.clip()
        self.descend()
        self.step += 1
        self.batch += 1
        self.watch(loss, len(batch))
        if self.average is not None:
            self.average.update(self.step / self.total_steps)
        if not self.planned:
            self.plan()
        self.notify()

    def gradient(self, batch: Tensors) -> float:
        """Leave the gradient of the batch's mean loss, and return that. Several processes share the rows."""
        X, y, w = batch.X, batch.y, batch.w
        if self.augmenting:
            X, y = augment(X, y, self.params, self.classes)
        if self.team.size == 1:
            return float(self.differentiate(X, y, w))
        own, share = self.team.share(len(batch))
        loss = self.differentiate(X[own], y[own], None if w is None else w[own])
        self.team.sum([*self.gradients(), loss], share)
        return float(loss)

    def differentiate(self, X: Tensor, y: Tensor, w: Tensor | None) -> Tensor:
        """Forward and backward through autograd; returns the mean loss."""
        import torch

        with self.precision():
            output = self.module(X)
        loss = self.loss.mean(output.to(X.dtype), y, w)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        return loss.detach()

    def precision(self) -> contextlib.AbstractContextManager[Any]:
        """Where half the precision was asked for, the matrix products of training are taken in it."""
        import torch

        low = self.params["precision"] == "bfloat16"
        return torch.autocast(self.control.device.split(":")[0], torch.bfloat16) if low else contextlib.nullcontext()

    def gradients(self) -> list[Tensor]:
        return [tensor.grad for tensor in self.module.parameters() if tensor.grad is not None]

    def clip(self) -> None:
        """Shorten a gradient that is longer than `clip`."""
        import torch

        if self.params["clip"] is not None:
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.params["clip"])

    def descend(self) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate
        self.optimiser.step()

    def watch(self, loss: float, rows: int) -> None:
        """Keep the epoch's loss; stop a training that diverges at the step where it does."""
        self.first_loss = self.first_loss or loss
        if not math.isfinite(loss) or loss > DIVERGED * max(self.first_loss, 1e-12):
            raise Diverged(self.step, loss, self.rate, self.safe_rate() if self.safe_rate else None)
        self.batch_loss = loss
        self.epoch_loss += loss * rows

    def plan(self) -> None:
        """Within a time limit: see how fast the steps are, and let the schedule end before the time does."""
        limit, spent = self.control.seconds or 0.0, self.control.elapsed
        if spent < LOOK * limit or self.step == self.began:
            return
        self.planned = True
        pace = (self.step - self.began) / max(1e-6, spent - self.began_at)
        within = self.step + int(pace * max(0.0, USED * limit - spent))
        if within < self.total_steps:
            self.total_steps = self.schedule.total = max(self.step + 1, within)
            self.shortened = True

    def notify(self) -> None:
        """Tell the callbacks of the step, and of the clock now and then."""
        for callback in self.steppers:
            callback.on_step(self)
        now = time.monotonic()
        if now - self.ticked >= TICK:
            self.ticked = now
            self._tell("on_tick")

    def evaluate(self, train: Tensors, validation: Tensors) -> None:
        """The epoch's mean training loss, and the loss on the validation rows without gradients."""
        self.train_loss = self.epoch_loss / min(len(train), max(1, self.batch * self.batch_size))
        with self.average.applied() if self.average is not None else contextlib.nullcontext():
            self.validation_loss = self._mean_loss(validation) if len(validation) else None
            self._tell("on_evaluate")
        self.schedule.heed(self.judged)

    @property
    def judged(self) -> float:
        """What an evaluation is judged by: the validation loss, or the training loss where there are no such rows."""
        return self.train_loss if self.validation_loss is None else self.validation_loss

    def _mean_loss(self, rows: Tensors) -> float:
        import torch

        self.module.eval()
        total, weight = torch.zeros((), dtype=torch.float64), 0.0
        with torch.no_grad():
            for place, part in enumerate(rows.split(EVALUATION_ROWS)):
                weight += len(part) if part.w is None else float(part.w.sum())
                if place % self.team.size == self.team.rank:
                    total += float(self.loss.mean(self.module(part.X), part.y, part.w)) * len(part)
        self.team.sum([total], 1.0)
        self.module.train()
        return float(total) / weight

    @cached_property
    def steppers(self) -> list[Callback]:
        """Those callbacks that want to be told of every step."""
        return [callback for callback in self.callbacks if type(callback).on_step is not Callback.on_step]

    def _tell(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def weights(self) -> dict[str, np.ndarray]:
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.module.state_dict().items()}

    def set_weights(self, weights: Mapping[str, np.ndarray]) -> None:
        import torch

        self.module.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Weights, the optimiser's moments, both random generators, counters, and what the callbacks hold."""
        import torch

        arrays = {f"weights/{name}": array for name, array in self.weights().items()}
        arrays |= {f"moments/{name}": tensor.cpu().numpy().copy() for name, tensor in self.moments().items()}
        arrays["random/order"] = self.epoch_start.numpy().copy()
        arrays["random/torch"] = torch.get_rng_state().numpy().copy()
        state: dict[str, Any] = {counter: getattr(self, counter) for counter in COUNTERS}
        state["schedule"] = self.schedule.state()
        if self.average is not None:
            state["averaged"] = self.average.taken
            arrays |= {f"average/{name}": tensor.cpu().numpy().copy() for name, tensor in self.average.values.items()}
        for index, callback in enumerate(self.callbacks):
            own, state[f"callback/{index}"] = callback.state()
            arrays |= {f"callback/{index}/{name}": array for name, array in own.items()}
        return arrays, state

    def moments(self) -> dict[str, Tensor]:
        """What the optimiser remembers."""
        states = self.optimiser.state_dict()["state"].items()
        return {f"{index}/{key}": kept for index, own in states for key, kept in own.items() if kept is not None}

    def load_moments(self, moments: Mapping[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, kept in moments.items():
            index, key = name.split("/")
            state.setdefault(int(index), {})[key] = kept
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})

    def load_state(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        import torch

        self.set_weights(_under("weights/", arrays))
        moments = {name: torch.from_numpy(array.copy()) for name, array in _under("moments/", arrays).items()}
        self.load_moments(moments)
        self.epoch_start = torch.from_numpy(arrays["random/order"].copy())
        torch.set_rng_state(torch.from_numpy(arrays["random/torch"].copy()))
        for place, callback in enumerate(self.callbacks):
            callback.load_state(_under(f"callback/{place}/", arrays), state[f"callback/{place}"])
        for counter in COUNTERS:
            setattr(self, counter, state[counter])
        self.schedule.total = self.total_steps
        self.schedule.load_state(state["schedule"])
        if self.average is not None:
            self.average.taken = state["averaged"]
            for name, array in _under("average/", arrays).items():
                self.average.values[name].copy_(torch.from_numpy(array))


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
