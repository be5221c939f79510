"""Losses are their formulas, and the loop's gradients are their derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from training.engine import losses, schedules
from training.engine.families.mlp import ACTIVATIONS
from training.engine.losses import LOSSES

Z = torch.tensor([-3.0, -0.5, 0.2, 4.0], dtype=torch.float64)
Y = torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64)
OWN = {"quantile_level": 0.8, "tweedie_power": 1.4, "focal_gamma": 2.0, "label_smoothing": 0.0}
SCORES = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], dtype=torch.float64)
CODES = torch.tensor([1, 0])


def loss(name: str, **given: float) -> losses.Loss:
    return losses.make(name, OWN | given)


def test_binary_cross_entropy_is_the_correct_one() -> None:
    z = 1.0 / (1.0 + np.exp(-Z.numpy()))
    y = Y.numpy()
    expected = -np.mean(y * np.log(z) + (1 - y) * np.log(1 - z))
    assert float(loss("binary_cross_entropy").mean(Z, Y)) == pytest.approx(expected, rel=1e-12)


def test_binary_cross_entropy_is_finite_where_the_formula_is_not() -> None:
    certain = loss("binary_cross_entropy").mean(torch.tensor([-800.0]), torch.tensor([1.0]))
    assert float(certain) == pytest.approx(800.0)


def test_cross_entropy_is_minus_the_log_of_the_true_class() -> None:
    share = np.exp(SCORES.numpy()) / np.exp(SCORES.numpy()).sum(axis=1, keepdims=True)
    expected = -np.mean(np.log([share[0, 1], share[1, 0]]))
    assert float(loss("cross_entropy").mean(SCORES, CODES)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mse", np.mean([9.0, 2.25, 0.64, 16.0])),
        ("mae", np.mean([3.0, 1.5, 0.8, 4.0])),
        ("huber", np.mean([2.5, 1.0, 0.32, 3.5])),
        ("quantile", np.mean([0.2 * 0.0 + 0.8 * 3.0, 0.8 * 1.5, 0.8 * 0.8, 0.2 * 4.0])),
    ],
)
def test_regression_losses(name: str, expected: float) -> None:
    assert float(loss(name).mean(Z, Y)) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "power"), [("poisson", 1.0), ("tweedie", 1.4)])
def test_deviances_are_scikit_learns(name: str, power: float) -> None:
    from sklearn.metrics import mean_tweedie_deviance

    counts = torch.tensor([0.0, 2.0, 1.0, 30.0], dtype=torch.float64)
    expected = mean_tweedie_deviance(counts.numpy(), Z.exp().numpy(), power=power) / 2
    assert float(loss(name).mean(Z, counts)) == pytest.approx(expected, rel=1e-12)


def test_the_quantile_loss_is_least_at_the_quantile() -> None:
    y = torch.arange(1.0, 101.0)
    at = [float(loss("quantile").mean(torch.full((100,), float(z)), y)) for z in range(1, 101)]
    assert int(np.argmin(at)) + 1 == pytest.approx(80, abs=1)


def test_focal_without_gamma_is_cross_entropy_and_with_it_less() -> None:
    for own, usual, output, target in (
        (loss("focal", focal_gamma=0.0), "binary_cross_entropy", Z, Y),
        (loss("focal", focal_gamma=0.0), "cross_entropy", SCORES, CODES),
    ):
        torch.testing.assert_close(own.each(output, target), loss(usual).each(output, target))
        assert (loss("focal").each(output, target) < own.each(output, target)).all()


def test_smoothed_labels_are_shares() -> None:
    smooth = loss("cross_entropy", label_smoothing=0.3)
    expected = torch.nn.functional.cross_entropy(SCORES, CODES, label_smoothing=0.3)
    torch.testing.assert_close(smooth.mean(SCORES, CODES), expected)
    binary = loss("binary_cross_entropy", label_smoothing=0.3)
    torch.testing.assert_close(binary.mean(Z, Y), loss("binary_cross_entropy").mean(Z, Y * 0.7 + 0.15))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        (name, outputs)
        for name, (_, tasks) in LOSSES.items()
        for outputs in {3 if t == "multiclass" else 1 for t in tasks}
    ],
)
def test_slopes_are_the_derivatives_of_the_means(name: str, outputs: int, smoothing: float, weighted: bool) -> None:
    torch.manual_seed(0)
    output = torch.randn((40, 3) if outputs == 3 else (40,), dtype=torch.float64, requires_grad=True)
    target = torch.randint(0, 3, (40,)) if outputs == 3 else torch.randint(0, 2, (40,)).double()
    weight = torch.rand(40, dtype=torch.float64) if weighted else None
    own = loss(name, label_smoothing=smoothing)
    mean = own.mean(output, target, weight)
    value, slope = own.both(output.detach(), target, weight)
    torch.testing.assert_close(value, mean.detach())
    torch.testing.assert_close(slope, torch.autograd.grad(mean, output)[0])
    weights = np.ones(40) if weight is None else weight.numpy()
    assert float(value) == pytest.approx(float(np.mean(weights * own.each(output.detach(), target).numpy())))


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
        ("onecycle", {}, {0: 1e-3, 30: 1.0, 65: 0.5005, 100: 1e-3}),
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


def test_a_plateau_falls_after_its_patience_and_remembers() -> None:
    params = {"schedule": "plateau", "learning_rate": 1.0, "warmup": 0.0, "decay": 0.5, "plateau_patience": 2}
    rate = schedules.make(params, 100)
    for judged in (1.0, 0.9, 0.95):
        rate.heed(judged)
    resumed = schedules.make(params, 100)
    resumed.load_state(rate.state())
    for each in (rate, resumed):
        assert each(10) == 1.0
        each.heed(0.9)
        assert each(10) == 0.5


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dropout", [0.0, 0.25])
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_written_backward_pass_is_autograds(outputs: int, dropout: float, activation: str) -> None:
    from training.engine.network import bend
    from training.engine.perceptron import Perceptron

    torch.manual_seed(0)
    net = Perceptron([5, 16, 8, outputs], activation, dropout).double()
    net.tie()
    X = torch.randn(32, 5, dtype=torch.float64)
    y = torch.randint(0, 3, (32,)) if outputs == 3 else torch.randint(0, 2, (32,)).double()
    own = loss("cross_entropy" if outputs == 3 else "mse")
    output = net(X)
    weights = [layer.weight.clone().requires_grad_() for layer in net.layers]
    biases = [layer.bias.clone().requires_grad_() for layer in net.layers]
    hidden = X
    for depth, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        hidden = hidden @ weight + bias
        if depth < 2:
            hidden = bend(activation)(hidden) * (net.last[2].keep[depth] if dropout else 1.0)
    hidden = hidden.squeeze(1) if outputs == 1 else hidden
    torch.testing.assert_close(hidden, output)
    torch.autograd.backward(own.mean(hidden, y))
    net.backward(own.both(output, y)[1])
    for layer, weight, bias in zip(net.layers, weights, biases, strict=True):
        torch.testing.assert_close(layer.weight_slope, weight.grad)
        torch.testing.assert_close(layer.bias_slope, bias.grad)


def test_half_the_precision_gives_nearly_the_same_gradient() -> None:
    from training.engine.perceptron import Perceptron

    gradients: list[torch.Tensor] = []
    X, y = torch.randn(64, 5), torch.randn(64)
    for low in (None, torch.bfloat16):
        torch.manual_seed(0)
        net = Perceptron([5, 32, 1], "relu", 0.0, low)
        net.backward(loss("mse").both(net(X), y)[1])
        assert net.theta.grad is not None
        gradients.append(net.theta.grad)
        assert net.eval()(X).dtype == torch.float32
    away = gradients[0] - gradients[1]
    assert 0.0 < float(away.norm() / gradients[0].norm()) < 0.02


def test_dropout_keeps_its_share_and_the_mean() -> None:
    from training.engine.perceptron import Perceptron

    net = Perceptron([4, 256, 1], "relu", 0.25)
    net(torch.randn(2000, 4))
    keep = net.last[2].keep[0]
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
