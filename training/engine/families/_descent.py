"""The parameters that every family trained by gradient descent shares, and the way into the loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from plugins.params import Param
from training.engine import averaging, devices, losses
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
    from training.engine.graph import Graph

LARGEST_LOG = 50.0
_DECAYING = ("schedule", ("step", "exponential", "plateau"))
_SOFT = ("loss", ("auto", *losses.SMOOTHED))

PARAMS = (
    Param("loss", "choice", "auto", "What the training makes small; auto picks the usual one for the task.",
          choices=losses.EVERY),
    Param("quantile_level", "float", 0.5, "The share of rows that should lie below the answer.", low=0.001, high=0.999,
          when=("loss", ("quantile",))),
    Param("tweedie_power", "float", 1.5, "How the spread grows with the mean: near 1 for counts, near 2 for amounts.",
          low=1.01, high=1.99, when=("loss", ("tweedie",))),
    Param("focal_gamma", "float", 2.0, "How little the rows weigh that are already answered well; 0: all the same.",
          low=0.0, high=10.0, when=("loss", ("focal",))),
    Param("label_smoothing", "float", 0.0, "Share of every row that is given to all classes alike, against overconfidence.",
          low=0.0, high=0.5, when=_SOFT),
    Param("class_weights", "choice", "none", "Balanced: rare classes weigh as much as frequent ones; chances shift with it.",
          choices=("none", "balanced"), when=_SOFT),
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
    Param("schedule", "choice", "cosine", "How the learning rate changes over the training.",
          choices=tuple(SCHEDULES), tunable=True),
    Param("decay", "float", 0.1, "Factor of each drop (step, plateau), or over the whole training (exponential).",
          low=1e-6, high=1.0, when=_DECAYING),
    Param("drops", "int", 2, "How many times the learning rate drops.", low=1, high=100, when=("schedule", ("step",))),
    Param("plateau_patience", "int", 4, "Evaluations without a better loss before the learning rate drops.", low=1,
          high=10_000, when=("schedule", ("plateau",))),
    Param("warmup", "float", 0.0, "Share of the training over which the learning rate rises to its full value.",
          low=0.0, high=0.9),
    Param("clip", "float", None, "Longest gradient allowed; longer ones are shortened to it.", low=1e-6, high=1e6,
          optional=True),
    Param("averaging", "choice", "none", "Keep an average of the weights: ema of the latest, swa of the last quarter.",
          choices=averaging.KINDS),
    Param("averaging_decay", "float", 0.999, "How much of the average stays at each step.", low=0.5, high=0.99999,
          when=("averaging", ("ema",))),
    Param("noise", "float", 0.0, "Augmentation: standard deviations by which every number is moved at each step.",
          low=0.0, high=2.0),
    Param("mixup", "float", 0.0, "Augmentation: how evenly rows are blended with others of their batch; 0: not at all.",
          low=0.0, high=4.0),
    Param("patience", "int", 12, "Stop after so many evaluations without a better validation loss; empty: never.",
          low=1, high=100_000, optional=True, label="Early stopping patience"),
    Param("keep_best", "bool", True, "Keep the weights of the best evaluation instead of the last ones."),
    Param("precision", "choice", "auto", "Of the matrix products: auto takes bfloat16 on a GPU that has it.",
          choices=("auto", "float32", "bfloat16")),
    Param("processes", "int", 1, "Processes that share every batch; each takes a core and a copy of the table.", low=1,
          high=64),
)  # fmt: skip


def with_defaults(*without: str, **defaults: Any) -> tuple[Param, ...]:
    """The shared parameters with a family's own defaults, but for those that mean nothing to it."""
    own = {name: value if isinstance(value, dict) else {"default": value} for name, value in defaults.items()}
    return tuple(replace(param, **own.get(param.name, {})) for param in PARAMS if param.name not in without)


def check(params: Mapping[str, Any], task: str) -> None:
    """Refuse a loss that does not fit the task, and what a loss cannot do. Raises TrainError."""
    fitting, loss = losses.names_for(task), losses.resolve(params["loss"], task)
    if loss not in fitting:
        raise TrainError(
            "loss_not_for_task",
            f"The loss {params['loss']} does not fit a {task} task.",
            f"Choose auto or one of: {', '.join(fitting)}.",
            "params.loss",
        )
    for name, usual in (("label_smoothing", 0.0), ("class_weights", "none")):
        if params.get(name, usual) != usual and loss not in losses.SMOOTHED:
            detail = f"{name} is about classes, and the target of this {task} task has none."
            raise TrainError("param_not_for_task", detail, f"Set it to {usual}.", f"params.{name}")


def tensors(rows: Rows, task: str, dtype: torch.dtype, device: str) -> Tensors:
    """Whole tables on the device. Class codes stay integers for softmax, become 0.0 and 1.0 for a yes/no."""
    import torch

    y = torch.from_numpy(rows.y)
    y = y.to(dtype) if task in {REGRESSION, BINARY} else y
    w = None if rows.w is None else torch.from_numpy(rows.w).to(device, dtype)
    return Tensors(torch.from_numpy(rows.X).to(device, dtype), y.to(device), w)


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
    params = {**params, "precision": devices.precision(params.get("precision", "float32"), control.device)}
    stopping = EarlyStopping(params["patience"], params["keep_best"])
    callbacks = [MetricLog(), stopping, Progress(), Checkpoint()]
    loop = kind(
        module, loss, params, control, callbacks, seed=problem.seed, safe_rate=safe_rate, classes=problem.outputs
    )
    dtype = next(module.parameters()).dtype
    weighed = class_weighted(problem) if params["class_weights"] == "balanced" else problem
    with _no_denormals():
        loop.fit(
            tensors(weighed.train, problem.task, dtype, control.device),
            tensors(weighed.validation, problem.task, dtype, control.device),
        )
    return loop.step


@contextmanager
def _no_denormals() -> Iterator[None]:
    """The moments of a dead unit fade into numbers that a processor is slow at: within the block they are zero.

    The setting is the thread's, so that it must not stay: whoever calls the engine may count on such numbers.
    """
    import torch

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def class_weighted(problem: Problem) -> Problem:
    """The problem with every class weighing the same over the training rows (the mean weight stays one)."""
    import numpy as np

    def own(rows: Rows) -> np.ndarray:
        return np.ones(len(rows)) if rows.w is None else rows.w

    totals = np.bincount(problem.train.y, weights=own(problem.train), minlength=problem.classes)
    factor = totals.sum() / (np.count_nonzero(totals) * np.maximum(totals, 1e-12))
    train, validation = (replace(rows, w=own(rows) * factor[rows.y]) for rows in (problem.train, problem.validation))
    return replace(problem, train=train, validation=validation)


@dataclass(frozen=True)
class Answer:
    """How a net's last numbers become the target's: times `scale`, plus `shift`, then the exponential for log links."""

    shift: float = 0.0
    scale: float = 1.0
    log: bool = False


def prepared(problem: Problem, loss: str) -> tuple[Problem, Answer]:
    """The problem with its target on the scale that the loss likes, and the way back. Only regression has one.

    Raises TrainError for a target below zero where the loss takes the logarithm of the mean.
    """
    if problem.task != REGRESSION:
        return problem, Answer()
    if loss not in losses.LOG_LINK:
        scaled, shift, scale = standardised(problem)
        return scaled, Answer(shift, scale)
    lowest, mean = min(float(rows.y.min(initial=0.0)) for rows in (problem.train, problem.validation)), 0.0
    mean = float(problem.train.y.mean())
    if lowest < 0 or mean <= 0:
        detail = (
            f"The loss {loss} is for counts and amounts; the target goes down to {lowest:g} with a mean of {mean:g}."
        )
        raise TrainError(
            "loss_needs_amounts", detail, "Choose auto, or a target without negative values.", "params.loss"
        )
    train, validation = (replace(rows, y=rows.y / mean) for rows in (problem.train, problem.validation))
    return replace(problem, train=train, validation=validation), Answer(math.log(mean), log=True)


def from_log(output: np.ndarray) -> np.ndarray:
    """The exponential, held where it is a number."""
    import numpy as np

    result: np.ndarray = np.exp(np.clip(output, -LARGEST_LOG, LARGEST_LOG))
    return result


def write_from_log(graph: Graph) -> None:
    """`from_log` in a graph."""
    import numpy as np

    low, high = (graph.constant(np.array(sign * LARGEST_LOG)) for sign in (-1.0, 1.0))
    graph.add("Exp", graph.add("Clip", graph.last, low, high))


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
