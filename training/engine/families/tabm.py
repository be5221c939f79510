"""A neural network made for tables. Its parts and where they come from: training/engine/tabm/__init__.py."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from plugins.params import Param
from training.engine import losses, memory
from training.engine.families import _descent
from training.engine.family import MULTICLASS, REGRESSION, TASKS, Exported, Family, Needs, Problem, Rows

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Control
    from training.engine.graph import Graph
    from training.engine.tabm.descent import Part
    from training.engine.tabm.front import Front
    from training.engine.tabm.network import Sizes


@dataclass(frozen=True)
class TabM:
    """The members' weights in double precision; a value is scaled back by mean and scale and kept within `range_`."""

    front: Front
    sizes: Sizes
    parts: Mapping[str, np.ndarray]
    mean: float
    scale: float
    range_: tuple[float, float]
    task: str
    features: int
    steps: int

    def predict(self, X: np.ndarray, chunk: int = 8_192) -> np.ndarray:
        import numpy as np

        raw = np.concatenate([self._raw(X[start : start + chunk]) for start in range(0, max(1, len(X)), chunk)])
        return _descent.probabilities(raw, self.task)

    def _raw(self, X: np.ndarray) -> np.ndarray:
        """Shape: (rows, d) to (rows, outputs) on the link's scale."""
        import torch

        from training.engine.tabm.answers import common
        from training.engine.tabm.network import Network

        network = Network(self.sizes, 0.0, torch.float64)
        for name, part in network.parts.items():
            part.copy_(torch.from_numpy(self.parts[name]))
        scaled = torch.from_numpy(self.front.scaled(X))
        output = network.forward(self.front.encoder(torch.float64)(scaled))
        raw: np.ndarray = common(output, losses.resolve("auto", self.task))[0].numpy()
        return (raw * self.scale + self.mean).clip(*self.range_) if self.task == REGRESSION else raw

    def export(self) -> Exported:
        return Exported(self._write, self.sizes.outputs)

    def _write(self, graph: Graph) -> None:
        from training.engine.tabm import export

        self.front.write(graph)
        export.members(graph, self.parts, len(self.sizes.hidden))
        export.common(graph, self.task)
        if self.task == REGRESSION:
            export.value(graph, self.mean, self.scale, self.range_)


def fit(problem: Problem, params: Mapping[str, Any], control: Control) -> TabM:
    import torch

    from training.engine.tabm import front
    from training.engine.tabm.descent import Descent
    from training.engine.tabm.network import Network, Sizes

    torch.set_num_threads(control.threads)
    scaled, mean, scale = _descent.standardised(problem)
    params = settled(params, len(problem.train), problem.task)
    learned = front.learn(problem.train.X, params["bins"])
    sizes = Sizes(learned.width, tuple(params["hidden"]), problem.outputs, params["members"])
    require(problem, sizes, params["batch_size"])
    network = Network(sizes, params["dropout"])
    network.initialise(torch.Generator().manual_seed(problem.seed))
    encoder = learned.encoder(torch.float32)
    loss = losses.resolve(params["loss"], problem.task)
    descent = Descent(network, encoder, params, control, loss=loss, seed=problem.seed)
    descent.run(_part(scaled.train, learned, problem.task), _part(scaled.validation, learned, problem.task))
    parts = {name: part.double().numpy() for name, part in network.parts.items()}
    range_ = (float(problem.train.y.min()), float(problem.train.y.max()))
    return TabM(learned, sizes, parts, mean, scale, range_, problem.task, problem.features, descent.step)


def require(problem: Problem, sizes: Sizes, batch_size: int) -> None:
    """Refuse, before anything is allocated, a network that does not fit into memory. Raises TrainError."""
    from training.engine.tabm.descent import EVALUATION

    rows, members, hidden = len(problem.train) + len(problem.validation), sizes.members, sum(sizes.hidden)
    batch = min(len(problem.train), batch_size)
    judged = min(len(problem.validation), EVALUATION // members)
    weights = sum(math.prod(shape) for shape in sizes.shapes().values())
    spread = members * sum(source * target for source, target in pairwise(sizes.hidden))
    # Rows are scaled in double and kept in single precision. Of the weights: themselves, gradient, two moments, the
    # best and room for a step, and a checkpoint's four. Rows cut into pieces are there in parts and joined.
    memory.require(
        {
            f"{rows:,} rows × {problem.features:,} columns": 12 * rows * problem.features,
            f"{weights:,} weights × 10 copies": 40 * weights,
            f"{spread:,} weights of {members} members × 4 copies": 16 * spread,
            f"{batch:,} rows × {members} members × {hidden:,} hidden numbers × 4 copies": 16 * batch * members * hidden,
            f"{judged:,} evaluated rows": judged * (8 * sizes.inputs + 4 * members * hidden),
        },
        "Use narrower or fewer hidden layers, fewer members, fewer pieces a column, fewer columns or fewer rows.",
    )


def settled(params: Mapping[str, Any], rows: int, task: str) -> dict[str, Any]:
    """What was left empty, by the number of training rows and the task.

    Few rows bear few pieces a column and short steps, and are quick enough for twice the members. Dropping numbers
    shifts the scale that a value is read on, and costs more there than it saves.
    """
    value, small = task == REGRESSION, rows < 2_000
    rules = {
        "bins": min(48, max(2, rows // 600)),
        "members": 16 if rows < 5_000 else 8,
        "dropout": 0.0 if value else 0.1,
        "learning_rate": 1e-3 if small else 5e-3 if value else 2e-3,
        "batch_size": min(1_024, max(32, 2 ** round(math.log2(rows) / 2.0))),
    }
    return {name: rules[name] if given is None and name in rules else given for name, given in params.items()}


def _part(rows: Rows, learned: Front, task: str) -> Part:
    """The rows as tensors in single precision, as scaled; class codes stay integers for softmax."""
    import torch

    from training.engine.tabm.descent import Part

    y = torch.from_numpy(rows.y)
    return Part(
        torch.from_numpy(learned.scaled(rows.X)).float(),
        y if task == MULTICLASS else y.float(),
        torch.ones(len(rows)) if rows.w is None else torch.from_numpy(rows.w).float(),
    )


FAMILY = Family(
    name="tabm",
    label="Neural network for tables",
    help="Several small networks in one, over piecewise-linear columns. Smooth and crossed effects; takes missing values.",
    tasks=TASKS,
    needs=Needs(),
    params=(
        Param("loss", "choice", "auto", "What the training makes small; auto picks the usual one for the task.",
              choices=losses.CHOICES),
        Param("hidden", "ints", [128, 128], "Widths of the hidden layers, first to last.", low=1, high=2048,
              label="Hidden layers", tunable=True, search=[[64, 64], [128, 128], [256, 256], [128, 128, 128]]),
        Param("members", "int", None, "Networks that share their weights, whose mean is the answer; empty chooses by "
              "the number of rows.", low=1, high=64, log=True, optional=True),
        Param("bins", "int", None, "Pieces that a column of numbers is cut into, at most; empty chooses by the number "
              "of rows.", low=1, high=256, log=True, optional=True, tunable=True, search={"low": 2, "high": 96}),
        Param("dropout", "float", None, "Share of hidden numbers put to zero at each step; empty: none for values, a "
              "tenth for classes.", low=0.0, high=0.9, optional=True, tunable=True, search={"low": 0.0, "high": 0.4}),
        Param("learning_rate", "float", None, "Length of a step; empty chooses by the number of rows and the task.",
              low=1e-5, high=0.1, log=True, optional=True, tunable=True, search={"low": 5e-4, "high": 1e-2}),
        Param("weight_decay", "float", 0.03, "Pull of the weights towards zero; more of it overfits less.", low=0.0,
              high=10.0, tunable=True, search={"low": 1e-4, "high": 0.3, "log": True}),
        Param("epochs", "int", 100, "Passes over the training rows, at most.", low=1, high=100_000),
        Param("steps", "int", None, "Steps in all, in place of passes; a fit that its time limit shortened is repeated "
              "exactly with the steps it did.", low=1, high=100_000_000, optional=True),
        Param("batch_size", "int", None, "Rows a step; empty chooses by the number of rows.", low=1, high=1_048_576,
              log=True, optional=True, tunable=True),
        Param("patience", "int", 16, "Passes without a better validation loss after which the learning rate falls; "
              "empty: never early.", low=1, high=100_000, optional=True, label="Early stopping patience"),
    ),
    fit=fit,
    check=_descent.check,
    settled=settled,
)  # fmt: skip
