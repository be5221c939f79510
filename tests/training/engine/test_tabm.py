"""The network for tables: its written-out slopes, its time limit, its weights, and what it reads of a column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from plugins.params import validate_params
from tests.training.engine.tables import Watcher
from training.engine.control import Control
from training.engine.family import FAMILIES, REGRESSION, Problem, Rows
from training.engine.tabm import front
from training.engine.tabm.answers import LOSSES
from training.engine.tabm.network import Network, Sizes

FAMILY = FAMILIES["tabm"]


def waves(rows: int, seed: int = 0) -> Rows:
    """A value that no straight line follows."""
    chance = np.random.default_rng(seed)
    X = chance.uniform(-2, 2, (rows, 3))
    return Rows(X, np.sin(3 * X[:, 0]) * X[:, 1] + 0.1 * chance.normal(size=rows))


def fit(train: Rows, validation: Rows, control: Control | None = None, **given: Any) -> Any:
    problem = Problem(REGRESSION, train, validation, seed=4)
    return FAMILY.fit(problem, validate_params(FAMILY.params, given), control or Control(Watcher()))


@pytest.mark.parametrize(
    ("loss", "outputs", "hidden", "dropout"),
    [
        ("mse", 1, (6, 5), 0.0),
        ("huber", 1, (6,), 0.3),
        ("binary_cross_entropy", 1, (6, 5, 4), 0.2),
        ("cross_entropy", 3, (6, 5), 0.2),
    ],
)
def test_slopes_are_those_of_small_differences(
    loss: str, outputs: int, hidden: tuple[int, ...], dropout: float
) -> None:
    network = Network(Sizes(7, hidden, outputs, 4), dropout, torch.float64)
    chance = torch.Generator().manual_seed(1)
    network.initialise(chance)
    network.draw_pattern(9, chance)
    network.theta.add_(torch.randn(len(network.theta), generator=chance, dtype=torch.float64), alpha=0.1)
    P = torch.rand(9, 7, generator=chance, dtype=torch.float64)
    codes = torch.randint(0, max(2, outputs), (9,), generator=chance)
    y = codes if outputs > 1 else codes.double()

    def at(theta: torch.Tensor) -> tuple[float, torch.Tensor]:
        network.theta.copy_(theta)
        losses, slope = LOSSES[loss](network.forward(P, chance.manual_seed(2)), y)
        return float(losses.mean()), slope / losses.numel()

    theta = network.theta.clone()
    network.backward(at(theta)[1])
    assert network.theta.grad is not None
    slopes = network.theta.grad.clone()
    steps = 1e-6 * torch.eye(len(theta), dtype=torch.float64)
    differences = [(at(theta + step)[0] - at(theta - step)[0]) / 2e-6 for step in steps]
    np.testing.assert_allclose(slopes.numpy(), differences, atol=1e-7)


def test_time_limit_is_kept_and_the_rate_has_fallen_by_then() -> None:
    """Few rows, so that an epoch, at whose end the rate is told, is a small part of the time on a busy machine too."""
    watcher = Watcher()
    control = Control(watcher, seconds=2.0)
    fitted = fit(waves(400), waves(100, 1), control, epochs=100_000, patience=None)
    assert control.elapsed < 4.0
    assert control.ended_by == "time limit"
    assert watcher.series("learning_rate")[-1] < 0.1 * max(watcher.series("learning_rate"))
    assert fitted.steps > 5


@pytest.mark.parametrize("epochs", range(2, 12))
def test_the_same_steps_give_the_same_network(epochs: int) -> None:
    """So is a fit repeated that its time limit ended."""
    small: dict[str, Any] = {"hidden": [8], "members": 2, "bins": 4, "patience": None, "batch_size": 64}
    fitted = fit(waves(200), waves(50, 1), epochs=epochs, **small)
    again = fit(waves(200), waves(50, 1), steps=fitted.steps, **small)
    X = waves(50, 2).X
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))


def test_it_follows_a_wave() -> None:
    test = waves(2_000, 2)
    error = np.mean((fit(waves(4_000), waves(500, 1), epochs=30).predict(test.X) - test.y) ** 2)
    assert error < 0.05 * test.y.var()  # the noise alone is 0.02 of it


def test_weights_count_as_rows_do() -> None:
    plain, rows = waves(600), np.arange(600)
    heavy = Rows(plain.X, np.where(rows % 2, plain.y, plain.y + 3.0), np.where(rows % 2, 1.99, 0.01))
    answer = fit(heavy, heavy.take(rows < 200), epochs=30).predict(plain.X)
    assert abs(np.mean(answer - plain.y)) < 0.3  # unweighted: 1.5


def test_answers_stay_within_the_training_rows() -> None:
    train = waves(400)
    answer = fit(train, waves(100, 1), epochs=20).predict(1e6 * waves(200, 2).X)
    assert train.y.min() <= answer.min() and answer.max() <= train.y.max()


def test_a_column_is_read_in_pieces() -> None:
    X = np.array([[0.0, 1.0, 10.0], [1.0, np.nan, 20.0], [0.0, 3.0, 30.0], [1.0, 5.0, 100.0]])
    learned = front.learn(X, bins=2)
    read = learned.encoder(torch.float64)(torch.from_numpy(learned.scaled(X))).numpy()
    assert read.shape == (4, 1 + 2 + 2 + 2 + 1)  # zeros and ones; two pieces twice; two soft clips; one gap
    np.testing.assert_array_equal(read[:, 0], X[:, 0])
    np.testing.assert_array_equal(read[:, 1:5].min(), 0.0)
    np.testing.assert_array_equal(read[:, 1:5].max(), 1.0)
    np.testing.assert_array_less(np.abs(read[:, 5:7]), front.CLIP)
    np.testing.assert_array_equal(read[:, 7], [0.0, 1.0, 0.0, 0.0])
