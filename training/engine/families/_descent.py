"""The parameters that every family trained by gradient descent shares, and the way into the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugins.params import Param
from training.engine import losses
from training.engine.callbacks import Checkpoint, EarlyStopping, MetricLog, Progress
from training.engine.errors import TrainError
from training.engine.family import BINARY, REGRESSION, Problem, Rows
from training.engine.fit import Loop, Tensors
from training.engine.optimisers import OPTIMISERS
from training.engine.schedules import SCHEDULES

if TYPE_CHECKING:
    import numpy as np
    import torch

    from training.engine.control import Control

_DECAYING = ("schedule", ("step", "exponential"))

PARAMS = (
    Param("loss", "choice", "auto", "What the training makes small; auto picks the usual one for the task.",
          choices=losses.CHOICES),
    Param("optimiser", "choice", "adamw", "How each step uses the gradient.", choices=tuple(OPTIMISERS), tunable=True),
    Param("learning_rate", "float", 2e-3, "Length of a step.", low=1e-7, high=10.0, log=True, tunable=True,
          search={"low": 3e-4, "high": 2e-2}),
    Param("momentum", "float", 0.9, "How much of the last step is kept.", low=0.0, high=0.999,
          when=("optimiser", ("momentum",)), tunable=True),
    Param("weight_decay", "float", 1e-4, "Pull of all weights towards zero; more of it overfits less.", low=0.0,
          high=10.0, tunable=True, search={"low": 1e-6, "high": 0.1, "log": True}),
    Param("epochs", "int", 60, "Passes over the training rows, at most.", low=1, high=100_000),
    Param("batch_size", "int", 256, "Rows a step; empty takes the whole table at each step.", low=1, high=1_048_576,
          log=True, optional=True, tunable=True),
    Param("schedule", "choice", "cosine", "How the learning rate falls over the training.",
          choices=tuple(SCHEDULES), tunable=True),
    Param("decay", "float", 0.1, "Factor of each drop (step), or over the whole training (exponential).", low=1e-6,
          high=1.0, when=_DECAYING),
    Param("drops", "int", 2, "How many times the learning rate drops.", low=1, high=100, when=("schedule", ("step",))),
    Param("warmup", "float", 0.0, "Share of the training over which the learning rate rises to its full value.",
          low=0.0, high=0.9),
    Param("clip", "float", None, "Longest gradient allowed; longer ones are shortened to it.", low=1e-6, high=1e6,
          optional=True),
    Param("patience", "int", 12, "Stop after so many evaluations without a better validation loss; empty: never.",
          low=1, high=100_000, optional=True, label="Early stopping patience"),
    Param("keep_best", "bool", True, "Keep the weights of the best evaluation instead of the last ones."),
)  # fmt: skip


def with_defaults(**defaults: Any) -> tuple[Param, ...]:
    """The shared parameters with a family's own defaults."""
    own = {name: value if isinstance(value, dict) else {"default": value} for name, value in defaults.items()}
    return tuple(replace(param, **own.get(param.name, {})) for param in PARAMS)


def check(params: Mapping[str, Any], task: str) -> None:
    """Refuse a loss that does not fit the task. Raises TrainError."""
    fitting = losses.names_for(task)
    if losses.resolve(params["loss"], task) not in fitting:
        raise TrainError(
            "loss_not_for_task",
            f"The loss {params['loss']} does not fit a {task} task.",
            f"Choose auto or one of: {', '.join(fitting)}.",
            "params.loss",
        )


def tensors(rows: Rows, task: str, dtype: torch.dtype, device: str) -> Tensors:
    """Whole tables on the device. Class codes stay integers for softmax, become 0.0 and 1.0 for a yes/no."""
    import torch

    y = torch.from_numpy(rows.y)
    y = y.to(dtype) if task in {REGRESSION, BINARY} else y
    return Tensors(torch.from_numpy(rows.X).to(device, dtype), y.to(device))


def descend(  # noqa: PLR0917 (what a loop is made of)
    module: torch.nn.Module,
    problem: Problem,
    params: Mapping[str, Any],
    control: Control,
    safe_rate: Callable[[], float] | None = None,
    kind: type[Loop] = Loop,
) -> int:
    """Train `module`, whose forward gives (rows,) for one output and (rows, classes) for more; return the steps.

    `kind` is the loop: a family that knows a faster way through one of its steps brings its own.
    """
    import torch

    torch.set_num_threads(control.threads)
    loss = losses.resolve(params["loss"], problem.task)
    stopping = EarlyStopping(params["patience"], params["keep_best"])
    callbacks = [MetricLog(), stopping, Progress(), Checkpoint()]
    loop = kind(module, loss, params, control, callbacks, seed=problem.seed, safe_rate=safe_rate)
    dtype = next(module.parameters()).dtype
    loop.fit(
        tensors(problem.train, problem.task, dtype, control.device),
        tensors(problem.validation, problem.task, dtype, control.device),
    )
    return loop.step


def standardised(problem: Problem) -> tuple[Problem, float, float]:
    """The problem with its target on a scale of standard deviations, the mean and the scale; for regression only."""
    if problem.task != REGRESSION:
        return problem, 0.0, 1.0
    mean, scale = float(problem.train.y.mean()), float(problem.train.y.std()) or 1.0
    train, validation = (replace(rows, y=(rows.y - mean) / scale) for rows in (problem.train, problem.validation))
    return replace(problem, train=train, validation=validation), mean, scale


def probabilities(output: np.ndarray, task: str) -> np.ndarray:
    """Turn raw outputs into what a model answers. Shape: (rows, outputs) to (rows,) or (rows, classes)."""
    import numpy as np

    if task == REGRESSION:
        return output[:, 0]
    if task == BINARY:
        # 1/(1+e^−z) and 1/(1+e^z), each computed on the side where it does not overflow.
        yes = np.exp(-np.logaddexp(0.0, -output[:, 0]))
        return np.stack([1.0 - yes, yes], axis=1)
    shifted = np.exp(output - output.max(axis=1, keepdims=True))
    result: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return result
