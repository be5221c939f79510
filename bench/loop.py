"""Epochs a second of the engine's training loop against the loop that one writes first: a DataLoader over rows.

    python bench/loop.py [--rows 100000] [--epochs 3] [--rounds 3]

Both train the same MLP (30-128-128-1, ReLU, Adam) on the same rows in the same order from the same weights, in one
process with one thread, turn by turn; the final training losses must be equal within 2 %. Beside the ratio stands the
distance from the arithmetic limit: the multiplications of an epoch at the speed that this machine's matrix product
reaches on the same shapes; and the ratio that a loop of nothing but those multiplications would have. Where the
processor multiplies bfloat16 by itself, the large batch is measured in that precision too.

Then least squares by gradient descent: 1,000 steps on 1,000,000 x 20 against forming the Gram matrix once.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(pool, "1")
sys.path[:1] = [str(Path(__file__).parents[1] / "platform"), str(Path(__file__).parents[1])]

import numpy as np
import torch

from plugins.params import validate_params
from training.engine.control import Control, Silent
from training.engine.families._descent import descend
from training.engine.family import FAMILIES, REGRESSION, Problem, Rows
from training.engine.least_squares import Descent
from training.engine.perceptron import HandLoop, Perceptron

FEATURES, HIDDEN = 30, (128, 128)


def table(rows: int) -> Problem:
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, FEATURES))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * random.normal(size=rows)
    return Problem(REGRESSION, Rows(X, y), Rows(X[:0], y[:0]), seed=0)


def params(batch: int, epochs: int) -> dict[str, object]:
    given = {"hidden": list(HIDDEN), "dropout": 0.0, "optimiser": "adam", "learning_rate": 1e-3, "weight_decay": 0.0}
    given |= {"epochs": epochs, "batch_size": batch, "schedule": "constant", "patience": None, "keep_best": False}
    return validate_params(FAMILIES["mlp"].params, given)


class SameOrder:
    """A sampler that draws the engine's permutations, so that both loops see the same batches."""

    def __init__(self, rows: int) -> None:
        self.rows, self.generator = rows, torch.Generator().manual_seed(0)

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.rows, generator=self.generator).tolist())

    def __len__(self) -> int:
        return self.rows


def ours(problem: Problem, module: Perceptron, batch: int, epochs: int) -> float:
    """Seconds for the epochs, the conversion to tensors included."""
    started = time.perf_counter()
    descend(module, problem, params(batch, epochs), Control(Silent()), kind=HandLoop)
    return time.perf_counter() - started


def naive(problem: Problem, module: torch.nn.Module, batch: int, epochs: int) -> float:
    """TensorDataset, DataLoader, Adam: the loop of the tutorials."""
    from torch.utils.data import DataLoader, TensorDataset

    started = time.perf_counter()
    X, y = torch.from_numpy(problem.train.X).float(), torch.from_numpy(problem.train.y).float()
    loader = DataLoader(TensorDataset(X, y), batch_size=batch, sampler=SameOrder(len(X)))
    optimiser, criterion = torch.optim.Adam(module.parameters(), lr=1e-3), torch.nn.MSELoss()
    for _ in range(epochs):
        for inputs, targets in loader:
            optimiser.zero_grad()
            loss = criterion(module(inputs), targets)
            loss.backward()
            optimiser.step()
    return time.perf_counter() - started


def final_loss(problem: Problem, module: torch.nn.Module) -> float:
    with torch.no_grad():
        output = module(torch.from_numpy(problem.train.X).float())
        return float(torch.nn.functional.mse_loss(output, torch.from_numpy(problem.train.y).float()))


def own(low: torch.dtype | None = None) -> Perceptron:
    torch.manual_seed(0)
    return Perceptron([FEATURES, *HIDDEN, 1], "relu", 0.0, low)


def usual() -> torch.nn.Module:
    """torch's own network with the same weights."""
    layers: list[torch.nn.Module] = []
    for layer in own().layers:
        linear = torch.nn.Linear(*layer.weight.shape)
        with torch.no_grad():
            linear.weight.copy_(layer.weight.t())
            linear.bias.copy_(layer.bias)
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1], torch.nn.Flatten(0))


def fastest(act: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of the fastest of some rounds, each of about 20 milliseconds."""
    act()
    started = time.perf_counter()
    act()
    repeats = max(1, int(0.02 / (time.perf_counter() - started)))
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(repeats):
            act()
        times.append((time.perf_counter() - started) / repeats)
    return min(times)


def limit(rows: int, batch: int, dtype: torch.dtype) -> float:
    """Seconds that the multiplications of one epoch take: forward, the weights' gradient, the inputs' gradient."""
    total = 0.0
    for depth, (source, target) in enumerate(pairwise((FEATURES, *HIDDEN, 1))):
        X, W, D = (torch.randn(shape).to(dtype) for shape in ((batch, source), (source, target), (batch, target)))
        out, slope, below = torch.empty_like(D), torch.empty_like(W), torch.empty_like(X)
        total += fastest(partial(torch.mm, X, W, out=out))
        total += fastest(partial(torch.mm, X.t(), D, out=slope))
        if depth:
            total += fastest(partial(torch.mm, D, W.t(), out=below))
    return total * rows / batch


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 by itself."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def loops(given: argparse.Namespace) -> bool:
    """Print the table of the loops; return whether the losses are equal."""
    problem, equal = table(given.rows), True
    naive(problem, usual(), 4096, 1)  # first calls pay for loading kernels
    ours(problem, own(), 4096, 1)
    layers = "-".join(map(str, HIDDEN))
    print(f"{given.rows:,} x {FEATURES}, MLP {layers}, 1 thread, seconds an epoch, best of {given.rounds}")
    print(f"{'batch':>6} {'precision':>9} {'DataLoader':>11} {'Atrium':>8} {'ratio':>7} {'limit':>7} {'of limit':>9} "
          f"{'at most':>8} {'losses':>19}")  # fmt: skip
    for batch in (256, 4096):
        lows = [None, torch.bfloat16] if batch == 4096 and has_bfloat16() else [None]
        times: dict[Any, float] = {}
        losses: dict[Any, float] = {}
        for _ in range(given.rounds):
            for name in ("naive", *lows):
                net = usual() if name == "naive" else own(name)
                loop: Any = naive if name == "naive" else ours
                took = loop(problem, net, batch, given.epochs) / given.epochs
                times[name], losses[name] = min(times.get(name, took), took), final_loss(problem, net.eval())
        for low in lows:
            floor = limit(given.rows, batch, low or torch.float32)
            kind = "bfloat16" if low else "float32"
            print(
                f"{batch:>6} {kind:>9} {times['naive']:>11.3f} {times[low]:>8.3f} {times['naive'] / times[low]:>6.1f}x "
                f"{floor:>7.3f} {floor / times[low]:>8.0%} {times['naive'] / floor:>7.1f}x "
                f"{losses['naive']:>9.4f} / {losses[low]:.4f}"
            )
            equal &= abs(losses["naive"] - losses[low]) <= 0.02 * losses["naive"]
    return equal


def least_squares(rows: int = 1_000_000, features: int = 20, steps: int = 1_000) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, features))
    y = X @ random.normal(size=features) + random.normal(size=rows)
    none = Rows(X[:0], y[:0])
    settings = validate_params(FAMILIES["linear"].params, {"epochs": steps, "patience": None, "optimiser": "sgd"})
    gram = fastest(lambda: X.T @ X)
    whole = fastest(lambda: Descent(Rows(X, y), none, settings, Control(Silent())).run())
    descent = Descent(Rows(X, y), none, settings, Control(Silent()))
    descent.run()
    theta, away = np.zeros(features + 1), 0.0
    for loss in descent.curve[:10]:  # the first steps again, over the rows
        error = theta[0] + X @ theta[1:] - y
        away = max(away, abs(float(error @ error) / rows - loss) / loss)
        theta = theta - descent.safe_rate * 2.0 / rows * np.r_[error.sum(), X.T @ error]
    print(f"Least squares, {rows:,} x {features}, {len(descent.curve):,} steps: {whole:.3f} s, {whole / gram:.1f}x of the "
          f"Gram matrix alone ({gram:.3f} s); its losses are those over the rows to {away:.0e}")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3, help="turns; the fastest of each side counts")
    given = parser.parse_args()
    torch.set_num_threads(1)
    equal = loops(given)
    print("losses equal within 2 %" if equal else "LOSSES DIFFER")
    least_squares()
    return 0 if equal else 1


if __name__ == "__main__":
    raise SystemExit(main())
