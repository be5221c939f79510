"""Credit scoring by linear regression: y = θ0 + θ1·age + θ2·income + θ3·history, as docs/worked-example-credit-scoring.md."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from plugins.params import validate_params
from training.engine.control import Control, Silent
from training.engine.family import FAMILIES, REGRESSION, Problem, Rows
from training.engine.least_squares import Descent

PAGE = Path(__file__).parents[3] / "docs" / "worked-example-credit-scoring.md"
PARAMS = {
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "epochs": 1000,
    "weight_decay": 0.0,
    "patience": None,
    "keep_best": False,
}


def applicants(rows: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Standardised age, income and history, and the score."""
    random = np.random.default_rng(42)
    age, income, history = random.uniform(21, 70, rows), random.lognormal(10.5, 0.4, rows), random.uniform(0, 10, rows)
    score = 300 + 1.5 * age + 0.002 * income + 18 * history + random.normal(0, 20, rows)
    X = np.stack([age, income, history], axis=1)
    return (X - X.mean(axis=0)) / X.std(axis=0), score


def problem() -> Problem:
    X, y = applicants()
    return Problem(REGRESSION, Rows(X, y), Rows(X[:0], y[:0]), seed=0)


def closed_form(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(np.c_[np.ones(len(X)), X], y, rcond=None)[0]


def test_loss_falls_at_every_one_of_a_thousand_steps() -> None:
    family = FAMILIES["linear"]
    given = problem()
    descent = Descent(given.train, given.validation, validate_params(family.params, PARAMS), Control(Silent()))
    descent.run()
    curve = np.array(descent.curve)
    assert len(curve) == 1000
    # Where the loss has reached its floor, rounding moves it by less than one part in a thousand million.
    assert (np.diff(curve) <= 1e-9 * curve[:-1]).all()
    assert np.isclose(curve[0], np.mean(given.train.y**2))


def test_predictions_agree_with_the_closed_form() -> None:
    given = problem()
    fitted = FAMILIES["linear"].fit(given, validate_params(FAMILIES["linear"].params, PARAMS), Control(Silent()))
    theta = closed_form(given.train.X, given.train.y)
    exact = np.c_[np.ones(len(given.train)), given.train.X] @ theta
    assert (np.abs(fitted.predict(given.train.X) - exact) <= 0.01 * np.abs(exact)).all()
    np.testing.assert_allclose([fitted.intercept[0], *fitted.coef[0]], theta, rtol=0.01)


def test_the_path_is_that_of_descent_over_the_rows() -> None:
    given = problem()
    descent = Descent(
        given.train, given.validation, validate_params(FAMILIES["linear"].params, PARAMS), Control(Silent())
    )
    descent.run()
    X, theta, losses = np.c_[np.ones(len(given.train)), given.train.X], np.zeros(4), []
    for _ in range(1000):
        error = X @ theta - given.train.y
        losses.append(np.mean(error**2))
        theta = theta - 0.01 * 2.0 * X.T @ error / len(X)
    np.testing.assert_allclose(descent.curve, losses, rtol=1e-9)
    np.testing.assert_allclose(descent.theta, theta, rtol=1e-10)


def test_weight_decay_shrinks_effects_and_never_the_level() -> None:
    given = problem()
    strong = validate_params(FAMILIES["linear"].params, {**PARAMS, "weight_decay": 5.0, "learning_rate": None})
    fitted = FAMILIES["linear"].fit(given, strong, Control(Silent()))
    theta = closed_form(given.train.X, given.train.y)
    assert np.linalg.norm(fitted.coef) < 0.5 * np.linalg.norm(theta[1:])
    assert np.isclose(fitted.intercept[0], theta[0], rtol=1e-6)


def test_the_page_says_what_happens() -> None:
    """Run the page's code, and hold the figures it shows against what comes out."""
    page = PAGE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL)
    printed: list[str] = []
    exec(compile(code, str(PAGE), "exec"), {"print": lambda *words: printed.append(" ".join(map(str, words)))})
    assert printed == shown.strip().splitlines()
