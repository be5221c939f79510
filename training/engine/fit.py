"""The engine's gradient-descent loop, in the steps of the algorithm.

Rows lie on the device as whole tensors. An epoch is one permutation and one `split`: there is no loader and no Python
per row. Everything that decides the next weight is in `state()`, so that a resumed training ends byte for byte where
an uninterrupted one does (on the CPU).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.engine import schedules
from training.engine.callbacks import Callback
from training.engine.errors import Diverged
from training.engine.losses import LOSSES
from training.engine.optimisers import OPTIMISERS

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from training.engine.control import Control

EVALUATION_ROWS = 8_192
EVALUATIONS = 200
COUNTERS = ("epoch", "batch", "step", "epoch_loss", "first_loss", "rate", "stopping")
DIVERGED = 1e4  # times the first loss: no useful training comes back from there


@dataclass(frozen=True)
class Tensors:
    """Shape: X (rows, features), y (rows,)."""

    X: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.y)


class Loop:
    """Gradient descent on `module` by the `params` of families/_descent.py.

    `safe_rate` gives, where the mathematics knows one, a learning rate that cannot diverge.
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
    ) -> None:
        self.module = module
        self.loss_name, self.loss_function = loss, LOSSES[loss][0]
        self.params = params
        self.control = control
        self.callbacks = callbacks
        self.seed = seed
        self.safe_rate = safe_rate
        self.stopping = False
        self.validation_loss: float | None = None
        self.train_loss = self.batch_loss = math.inf

    def fit(self, train: Tensors, validation: Tensors) -> None:
        """Train `module` in place. Raises Diverged, TrainCancelled, TrainPaused."""
        self.initialise(train)
        self._tell("on_start")
        while self.epoch < self.params["epochs"] and not self.stopping:
            self.run_epoch(train, validation)
        self._tell("on_finish")

    def initialise(self, train: Tensors) -> None:
        """Optimiser, schedule and random generators; then the checkpoint's state over them, if there is one."""
        import torch

        rows = len(train)
        self.batch_size = min(rows, self.params["batch_size"] or rows)
        self.total_steps = self.params["epochs"] * math.ceil(rows / self.batch_size)
        self.make_optimiser()
        self.schedule = schedules.make(self.params, self.total_steps)
        self.generator = torch.Generator().manual_seed(self.seed)
        self.epoch_start = self.generator.get_state()
        self.epoch = self.batch = self.step = 0
        self.epoch_loss, self.first_loss, self.rate = 0.0, 0.0, self.params["learning_rate"]
        if (found := self.control.resume()) is not None:
            self.load_state(*found)

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
        for X, y in self.batches(train):
            self.train_step(X, y)
            if self.stopping:
                break
        every = max(1, self.params["epochs"] // EVALUATIONS)
        if self.stopping or (self.epoch + 1) % every == 0 or self.epoch + 1 == self.params["epochs"]:
            self.evaluate(train, validation)
        self.epoch, self.batch, self.epoch_loss = self.epoch + 1, 0, 0.0

    def batches(self, train: Tensors) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's batches that are still to be done, in the order of its permutation."""
        import torch

        done = self.batch * self.batch_size
        if self.batch_size == len(train):
            yield from [] if done else [(train.X, train.y)]
            return
        if done:
            self.generator.set_state(self.epoch_start)
        else:
            self.epoch_start = self.generator.get_state()
        order = torch.randperm(len(train), generator=self.generator).to(train.X.device)[done:]
        if not len(order):  # interrupted between the last batch and the evaluation
            return
        yield from zip(
            torch.split(train.X[order], self.batch_size), torch.split(train.y[order], self.batch_size), strict=True
        )

    def train_step(self, X: Tensor, y: Tensor) -> None:
        """Forward, loss, backward, step."""
        output = self.forward(X)
        loss = self.loss(output, y)
        self.backward(loss)
        self.descend()
        self.step += 1
        self.batch += 1
        self.watch(loss.detach().item(), len(y))
        self._tell("on_step")

    def forward(self, X: Tensor) -> Tensor:
        output: Tensor = self.module(X)
        return output

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        return self.loss_function(output, y)

    def backward(self, loss: Tensor) -> None:
        import torch

        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.clip()

    def clip(self) -> None:
        """Shorten a gradient that is longer than `clip`."""
        import torch

        if self.params["clip"] is not None:
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.params["clip"])

    def descend(self) -> None:
        self.rate = self.schedule(self.step)
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

    def evaluate(self, train: Tensors, validation: Tensors) -> None:
        """The epoch's mean training loss, and the loss on the validation rows without gradients."""
        self.train_loss = self.epoch_loss / min(len(train), max(1, self.batch * self.batch_size))
        self.validation_loss = self._mean_loss(validation) if len(validation) else None
        self._tell("on_evaluate")

    def _mean_loss(self, rows: Tensors) -> float:
        import torch

        self.module.eval()
        total = 0.0
        with torch.no_grad():
            for X, y in zip(torch.split(rows.X, EVALUATION_ROWS), torch.split(rows.y, EVALUATION_ROWS), strict=True):
                total += float(self.loss(self.forward(X), y)) * len(y)
        self.module.train()
        return total / len(rows)

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


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
