"""Epochs a second of the engine's training loop against the loop that one writes first: a DataLoader over rows.

    python bench/loop.py [--rows 100000] [--epochs 3]

Both train the same MLP (30-128-128-1, ReLU, Adam) on the same rows from the same weights with the same number of steps,
in one process with one thread, turn by turn; the final training losses must be equal within 2 %. Beside the ratio
stands the distance from the arithmetic limit: the multiplications of an epoch at the speed that this machine's matrix
product reaches on the same shapes.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:1] = [str(Path(__file__).parents[1] / "platform"), str(Path(__file__).parents[1])]

import numpy as np
import torch

from plugins.params import validate_params
from training.engine.control import Control, Silent
from training.engine.families._descent import descend
from training.engine.family import FAMILIES, REGRESSION, Problem, Rows
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
    loader = DataLoader(TensorDataset(X, y), batch_size=batch, shuffle=True)
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


def modules() -> dict[str, torch.nn.Module]:
    """The engine's network, and torch's own with the same weights."""
    torch.manual_seed(0)
    own = Perceptron([FEATURES, *HIDDEN, 1], "relu", 0.0)
    layers: list[torch.nn.Module] = []
    for layer in own.layers:
        linear = torch.nn.Linear(*layer.weight.shape)
        with torch.no_grad():
            linear.weight.copy_(layer.weight.t())
            linear.bias.copy_(layer.bias)
        layers += [linear, torch.nn.ReLU()]
    return {"ours": own, "naive": torch.nn.Sequential(*layers[:-1], torch.nn.Flatten(0))}


def limit(rows: int, batch: int) -> float:
    """Seconds that the multiplications of one epoch take at the speed of a plain matrix product on the same shapes."""
    widths = (FEATURES, *HIDDEN, 1)
    total = 0.0
    for depth, (source, target) in enumerate(pairwise(widths)):
        # Forward, the weights' gradient, and (but for the first layer) the inputs' gradient.
        products = 2 if depth == 0 else 3
        X, W = torch.randn(batch, source), torch.randn(source, target)
        out, repeats = torch.empty(batch, target), max(20, 200_000 // batch)
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            for _ in range(repeats):
                torch.mm(X, W, out=out)
            best = min(best, (time.perf_counter() - started) / repeats)
        total += products * best
    return total * rows / batch


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3, help="turns; the fastest of each side counts")
    given = parser.parse_args()
    torch.set_num_threads(1)
    problem = table(given.rows)
    loops: dict[str, Any] = {"naive": naive, "ours": ours}
    for name, loop in loops.items():
        loop(problem, modules()[name], 4096, 1)  # first calls pay for loading kernels
    equal = True
    print(
        f"{given.rows:,} x {FEATURES}, MLP {'-'.join(map(str, HIDDEN))}, 1 thread, seconds an epoch, best of {given.rounds}"
    )
    print(f"{'batch':>6} {'DataLoader':>11} {'Atrium':>8} {'ratio':>7} {'limit':>7} {'of limit':>9} {'losses':>19}")
    for batch in (256, 4096):
        times: dict[str, float] = {"naive": float("inf"), "ours": float("inf")}
        losses = {}
        for _ in range(given.rounds):
            for name, loop in loops.items():
                net = modules()[name]
                times[name] = min(times[name], loop(problem, net, batch, given.epochs) / given.epochs)
                losses[name] = final_loss(problem, net)
        floor = limit(given.rows, batch)
        ratio, share = times["naive"] / times["ours"], floor / times["ours"]
        pair = f"{losses['naive']:.4f} / {losses['ours']:.4f}"
        print(
            f"{batch:>6} {times['naive']:>11.3f} {times['ours']:>8.3f} {ratio:>6.1f}x {floor:>7.3f} {share:>8.0%} {pair:>19}"
        )
        equal &= abs(losses["naive"] - losses["ours"]) <= 0.02 * losses["naive"]
    print("losses equal within 2 %" if equal else "LOSSES DIFFER")
    return 0 if equal else 1


if __name__ == "__main__":
    raise SystemExit(main())
