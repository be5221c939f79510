"""Multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.params import Param
from training.engine.families import _descent
from training.engine.family import TASKS, Exported, Family, Needs, Problem

if TYPE_CHECKING:
    import numpy as np
    import torch

    from training.engine.control import Control

ACTIVATIONS = ("relu", "silu", "gelu", "tanh")


@dataclass(frozen=True)
class Mlp:
    """Layers in double precision; for regression the target's scale is folded into the last one.

    Shape: each layer is (weight (out, in), bias (out,)).
    """

    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    activation: str
    task: str
    steps: int

    def predict(self, X: np.ndarray) -> np.ndarray:
        import torch

        hidden = torch.from_numpy(X)
        activate = _activation(self.activation)
        with torch.no_grad():
            for index, (weight, bias) in enumerate(self.layers):
                hidden = activate(hidden) if index else hidden
                hidden = torch.nn.functional.linear(hidden, torch.from_numpy(weight), torch.from_numpy(bias))
        return _descent.probabilities(hidden.numpy(), self.task)

    def export(self) -> Exported:
        from training.engine import graph

        return Exported(lambda into: graph.mlp(into, self.layers, self.activation), len(self.layers[-1][1]))


def _activation(name: str) -> torch.nn.Module:
    import torch

    if name == "gelu":
        return torch.nn.GELU(approximate="tanh")
    kinds = {"relu": torch.nn.ReLU, "silu": torch.nn.SiLU, "tanh": torch.nn.Tanh}
    module: torch.nn.Module = kinds[name]()
    return module


def fit(problem: Problem, params: Mapping[str, Any], control: Control) -> Mlp:
    import torch

    from training.engine import perceptron

    scaled, mean, scale = _descent.standardised(problem)
    torch.manual_seed(problem.seed)
    widths = [problem.features, *params["hidden"], problem.outputs]
    module = perceptron.Perceptron(widths, params["activation"], params["dropout"]).to(control.device)
    steps = _descent.descend(module, scaled, params, control, kind=perceptron.HandLoop)
    layers = [(_double(layer.weight), _double(layer.bias)) for layer in module.layers]
    weight, bias = layers[-1]
    layers[-1] = (weight * scale, bias * scale + mean)
    return Mlp(tuple(layers), params["activation"], problem.task, steps)


def _double(tensor: torch.Tensor) -> np.ndarray:
    array: np.ndarray = tensor.detach().cpu().double().numpy()
    return array


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
        *_descent.with_defaults(),
    ),
    fit=fit,
    check=_descent.check,
)  # fmt: skip
