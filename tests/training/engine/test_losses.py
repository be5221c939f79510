"""Losses are their formulas, and the loop's gradients are their derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from training.engine import losses, schedules
from training.engine.losses import LOSSES

Z = torch.tensor([-3.0, -0.5, 0.2, 4.0], dtype=torch.float64)
Y = torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64)


def test_binary_cross_entropy_is_the_correct_one() -> None:
    z = 1.0 / (1.0 + np.exp(-Z.numpy()))
    y = Y.numpy()
    expected = -np.mean(y * np.log(z) + (1 - y) * np.log(1 - z))
    assert float(losses.binary_cross_entropy(Z, Y)) == pytest.approx(expected, rel=1e-12)


def test_binary_cross_entropy_is_finite_where_the_formula_is_not() -> None:
    assert float(losses.binary_cross_entropy(torch.tensor([-800.0]), torch.tensor([1.0]))) == pytest.approx(800.0)


def test_cross_entropy_is_minus_the_log_of_the_true_class() -> None:
    scores = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], dtype=torch.float64)
    share = np.exp(scores.numpy()) / np.exp(scores.numpy()).sum(axis=1, keepdims=True)
    expected = -np.mean(np.log([share[0, 1], share[1, 0]]))
    assert float(losses.cross_entropy(scores, torch.tensor([1, 0]))) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (losses.mse, np.mean([9.0, 2.25, 0.64, 16.0])),
        (losses.mae, np.mean([3.0, 1.5, 0.8, 4.0])),
        (losses.huber, np.mean([2.5, 1.0, 0.32, 3.5])),
    ],
)
def test_regression_losses(loss: losses.Loss, expected: float) -> None:
    assert float(loss(Z, Y)) == pytest.approx(expected)


def test_auto_is_a_loss_of_the_task() -> None:
    for task in ("regression", "binary", "multiclass"):
        assert task in LOSSES[losses.resolve("auto", task)][1]


@pytest.mark.parametrize(
    ("name", "given", "at"),
    [
        ("constant", {}, {0: 1.0, 50: 1.0, 99: 1.0}),
        ("step", {"drops": 1, "decay": 0.1}, {0: 1.0, 49: 1.0, 50: 0.1, 99: 0.1}),
        ("step", {"drops": 3, "decay": 0.5}, {0: 1.0, 25: 0.5, 50: 0.25, 75: 0.125, 99: 0.125}),
        ("exponential", {"decay": 0.01}, {0: 1.0, 50: 0.1}),
        ("cosine", {}, {0: 1.0, 50: 0.505}),
    ],
)
def test_schedules(name: str, given: dict[str, float], at: dict[int, float]) -> None:
    rate = schedules.make(
        {"schedule": name, "learning_rate": 2.0, "warmup": 0.0, "decay": 0.1, "drops": 2, **given}, 100
    )
    for step, factor in at.items():
        assert rate(step) == pytest.approx(2.0 * factor)


def test_warmup_rises_evenly_and_hands_over() -> None:
    params = {"schedule": "cosine", "learning_rate": 1.0, "warmup": 0.2, "decay": 0.1, "drops": 2}
    rate = schedules.make(params, 100)
    rises = np.diff([rate(step) for step in range(21)])
    assert (rises > 0).all() and np.allclose(rises, rises[0])
    assert rate(20) == 1.0 and rate(99) < 0.02 and math.isfinite(rate(10_000))


@pytest.mark.parametrize("activation", ["relu", "tanh", "silu", "gelu"])
@pytest.mark.parametrize("dropout", [0.0, 0.25])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_written_backward_pass_is_autograds(loss: str, dropout: float, activation: str) -> None:
    from training.engine.families.mlp import _activation
    from training.engine.perceptron import SLOPES, Perceptron

    torch.manual_seed(0)
    outputs = 3 if loss == "cross_entropy" else 1
    net = Perceptron([5, 16, 8, outputs], activation, dropout).double()
    net.tie()
    X = torch.randn(32, 5, dtype=torch.float64)
    y = torch.randint(0, 3, (32,)) if outputs == 3 else torch.randint(0, 2, (32,)).double()
    output = net(X)
    weights = [layer.weight.clone().requires_grad_() for layer in net.layers]
    biases = [layer.bias.clone().requires_grad_() for layer in net.layers]
    hidden = X
    for depth, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        hidden = torch.nn.functional.linear(hidden, weight, bias)
        if depth < 2:
            hidden = _activation(activation)(hidden) * (net.now.keep[depth] if dropout else 1.0)
    hidden = hidden.squeeze(1) if outputs == 1 else hidden
    torch.testing.assert_close(hidden, output)
    LOSSES[loss][0](hidden, y).backward()
    net.backward(SLOPES[loss](output, y))
    for layer, weight, bias in zip(net.layers, weights, biases, strict=True):
        torch.testing.assert_close(layer.weight_slope, weight.grad)
        torch.testing.assert_close(layer.bias_slope, bias.grad)


def test_dropout_keeps_its_share_and_the_mean() -> None:
    from training.engine.perceptron import Perceptron

    net = Perceptron([4, 256, 1], "relu", 0.25)
    net(torch.randn(2000, 4))
    keep = net.now.keep[0]
    assert float((keep == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(keep.mean()) == pytest.approx(1.0, abs=0.01)
    net.eval()
    rows = torch.randn(3, 4)
    assert torch.equal(net(rows).clone(), net(rows))


@pytest.mark.parametrize("decay", [0.0, 0.05])
@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw"])
def test_flat_optimisers_step_as_torchs_do(name: str, decay: float) -> None:
    from training.engine.flat import Flat
    from training.engine.optimisers import OPTIMISERS

    params = {"optimiser": name, "learning_rate": 0.01, "momentum": 0.8, "weight_decay": decay}
    torch.manual_seed(0)
    ours = torch.randn(50, dtype=torch.float64)
    theirs = torch.nn.Parameter(ours.clone())
    flat, usual = Flat(ours, params), OPTIMISERS[name]([{"params": [theirs]}], params)
    for now in range(1, 21):
        ours.grad, theirs.grad = ours**3 - 1.0, theirs.detach() ** 3 - 1.0
        flat.step(0.01, now)
        usual.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-9)
