"""Multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from plugins.params import Param
from training.engine import devices, distributed, losses, memory
from training.engine.errors import TrainError
from training.engine.families import _descent
from training.engine.family import TASKS, Exported, Family, Needs, Problem

if TYPE_CHECKING:
    import numpy as np
    import torch

    from training.engine.control import Control
    from training.engine.graph import Graph

ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "silu", "gelu", "mish", "tanh")
NORMALISATIONS = ("none", "batch", "layer")
WORKSPACE = 128 << 20  # bytes that the libraries take for themselves, measured


@dataclass(frozen=True)
class Layer:
    """One layer in double precision. `norm` is layer normalisation's (gain, offset, epsilon); a batch's is folded in.

    Shape: weight (out, in), bias (out,), gain and offset (out,). A `shortcut` adds the input to what the layer gives.
    """

    weight: np.ndarray
    bias: np.ndarray
    norm: tuple[np.ndarray, np.ndarray, float] | None = None
    shortcut: bool = False


@dataclass(frozen=True)
class Mlp:
    """Layers in double precision; for regression the target's scale is folded into the last one."""

    layers: tuple[Layer, ...]
    activation: str
    task: str
    steps: int
    log: bool = False

    def predict(self, X: np.ndarray) -> np.ndarray:
        import torch

        from training.engine.network import bend

        activate, hidden = bend(self.activation), torch.from_numpy(X)
        with torch.no_grad():
            for place, layer in enumerate(self.layers, 1):
                weight, bias = torch.from_numpy(layer.weight), torch.from_numpy(layer.bias)
                above = torch.nn.functional.linear(hidden, weight, bias)
                if layer.norm is not None:
                    gain, offset = (torch.from_numpy(part) for part in layer.norm[:2])
                    above = torch.nn.functional.layer_norm(above, gain.shape, gain, offset, layer.norm[2])
                above = activate(above) if place < len(self.layers) else above
                hidden = hidden + above if layer.shortcut else above
        output = _descent.from_log(hidden.numpy()) if self.log else hidden.numpy()
        return _descent.probabilities(output, self.task)

    def export(self) -> Exported:
        return Exported(self._write, len(self.layers[-1].bias))

    def _write(self, graph: Graph) -> None:
        for place, layer in enumerate(self.layers, 1):
            below = graph.last
            graph.dense(layer.weight, layer.bias)
            if layer.norm is not None:
                graph.normalise(*layer.norm)
            if place < len(self.layers):
                graph.activate(self.activation)
            if layer.shortcut:
                graph.add("Add", below, graph.last)
        if self.log:
            _descent.write_from_log(graph)


def fit(problem: Problem, params: Mapping[str, Any], control: Control) -> Mlp:
    """The plain network runs on its hand-written backward pass, one with normalisation or short cuts on autograd."""
    import torch

    control.device = devices.pick(control.device, params["processes"])
    if params["processes"] > distributed.team().size:
        return distributed.fit("mlp", problem, params, control)  # type: ignore[return-value]
    widths = [problem.features, *params["hidden"], problem.outputs]
    require(problem, widths, params)
    scaled, answer = _descent.prepared(problem, losses.resolve(params["loss"], problem.task))
    torch.manual_seed(problem.seed)
    if params["normalisation"] == "none" and not params["residual"]:
        layers, steps = _by_hand(scaled, widths, params, control)
    else:
        layers, steps = _by_autograd(scaled, widths, params, control)
    last = layers[-1]
    layers[-1] = Layer(last.weight * answer.scale, last.bias * answer.scale + answer.shift)
    return Mlp(tuple(layers), params["activation"], problem.task, steps, answer.log)


def _by_hand(
    problem: Problem, widths: list[int], params: Mapping[str, Any], control: Control
) -> tuple[list[Layer], int]:
    import torch

    from training.engine import perceptron

    low = torch.bfloat16 if devices.precision(params["precision"], control.device) == "bfloat16" else None
    module = perceptron.Perceptron(widths, params["activation"], params["dropout"], low).to(control.device)
    steps = _descent.descend(module, problem, params, control, kind=perceptron.HandLoop)
    return [Layer(_double(layer.weight.t()), _double(layer.bias)) for layer in module.layers], steps


def _by_autograd(
    problem: Problem, widths: list[int], params: Mapping[str, Any], control: Control
) -> tuple[list[Layer], int]:
    from training.engine.network import Block, Network

    module = Network(widths, params["activation"], params["dropout"], params["normalisation"], params["residual"]).to(
        control.device
    )
    steps = _descent.descend(module, problem, params, control)
    blocks = [block for block in module.blocks if isinstance(block, Block)]
    hidden = [_layer(block, shortcut) for block, shortcut in zip(blocks, module.shortcuts, strict=True)]
    return [*hidden, Layer(_double(module.last.weight), _double(module.last.bias))], steps


def _layer(block: Any, shortcut: bool) -> Layer:
    """A hidden layer as data; what batch normalisation learned is a scale and a shift of the weighted sum."""
    import numpy as np
    import torch

    weight, bias, norm = _double(block.linear.weight), _double(block.linear.bias), block.norm
    if isinstance(norm, torch.nn.LayerNorm):
        return Layer(weight, bias, (_double(norm.weight), _double(norm.bias), norm.eps), shortcut)
    if isinstance(norm, torch.nn.BatchNorm1d):
        gain = _double(norm.weight) / np.sqrt(_double(norm.running_var) + norm.eps)
        weight, bias = weight * gain[:, None], (bias - _double(norm.running_mean)) * gain + _double(norm.bias)
    return Layer(weight, bias, None, shortcut)


def _double(tensor: torch.Tensor | None) -> np.ndarray:
    assert tensor is not None
    array: np.ndarray = tensor.detach().cpu().double().contiguous().numpy()
    return array


def require(problem: Problem, widths: list[int], params: Mapping[str, Any]) -> None:
    """Refuse, before anything is allocated, a network that does not fit into memory. Raises TrainError."""
    rows = len(problem.train) + len(problem.validation)
    batch = min(len(problem.train), params["batch_size"] or len(problem.train))
    weights = sum((source + 1) * target for source, target in pairwise(widths))
    hidden, judged = sum(widths[1:]), min(8_192, len(problem.validation))
    # Single precision. Of the weights: themselves, gradient, two moments, the best, a checkpoint, and the average.
    copies = 6 + 2 * (params["averaging"] != "none")
    memory.require(
        {
            f"{rows:,} rows × {problem.features + 2:,} columns": 4 * rows * (problem.features + 2),
            f"{weights:,} weights × {copies} copies": 4 * weights * copies,
            f"{batch:,} rows × {hidden:,} hidden numbers × 4 copies": 4 * batch * (problem.features + 4 * hidden),
            f"{judged:,} evaluated rows": 4 * judged * 2 * hidden,
            "the matrix products' own room": WORKSPACE,
        },
        "Use narrower or fewer hidden layers, a smaller batch, fewer columns or fewer rows.",
    )


def check(params: Mapping[str, Any], task: str) -> None:
    """Refuse what does not go together. Raises TrainError."""
    _descent.check(params, task)
    if params["processes"] > 1 and params["normalisation"] == "batch":
        detail = "Batch normalisation over several processes would see only each one's part of a batch."
        raise TrainError("param_conflict", detail, "Choose layer normalisation or one process.", "params.normalisation")


FAMILY = Family(
    name="mlp",
    label="Neural network",
    help="Layers of weighted sums and bends. Finds smooth and crossed effects; wants a few thousand rows.",
    tasks=TASKS,
    needs=Needs(scaled=True, complete=True),
    params=(
        Param("hidden", "ints", [128, 128], "Widths of the hidden layers, first to last.", low=1, high=4096,
              label="Hidden layers", tunable=True, search=[[64], [128, 128], [256, 256], [256, 256, 256]]),
        Param("activation", "choice", "relu", "The bend between layers.", choices=ACTIVATIONS, tunable=True),
        Param("dropout", "float", 0.1, "Share of hidden numbers put to zero at each step; more of it overfits less.",
              low=0.0, high=0.9, tunable=True, search={"low": 0.0, "high": 0.5}),
        Param("normalisation", "choice", "none", "Keep the hidden numbers on one scale: over a batch, or within a row.",
              choices=NORMALISATIONS, tunable=True),
        Param("residual", "bool", False, "Short cuts: a layer as wide as the one below adds its input to its result.",
              tunable=True),
        *_descent.with_defaults(),
    ),
    fit=fit,
    check=check,
)  # fmt: skip
