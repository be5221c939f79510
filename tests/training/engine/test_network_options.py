"""Every option of a network: it learns, writes what it learned, and resumes exactly."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugins.params import validate_params
from tests.conformance.test_families import problem
from tests.training.engine.tables import Killed, Killer, Watcher, content, run, spec_for
from training.engine import devices, family
from training.engine.artifact import Model, write_model
from training.engine.control import Control, Silent
from training.engine.errors import TrainError
from training.engine.families import _descent, linear, mlp
from training.engine.family import FAMILIES, Problem, Rows

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("binary", {"normalisation": "batch", "residual": True, "hidden": [16, 16]}),
    ("multiclass", {"normalisation": "layer", "residual": True, "hidden": [16, 16], "activation": "gelu"}),
    ("regression", {"residual": True, "hidden": [16, 16], "activation": "selu", "averaging": "swa"}),
    ("binary", {"loss": "focal", "averaging": "ema", "averaging_decay": 0.9, "activation": "mish"}),
    ("multiclass", {"mixup": 0.4, "noise": 0.05, "label_smoothing": 0.1, "activation": "leaky_relu"}),
    ("regression", {"loss": "quantile", "quantile_level": 0.9, "schedule": "plateau", "plateau_patience": 1}),
    ("regression", {"loss": "poisson", "schedule": "onecycle", "activation": "elu"}),
    ("regression", {"loss": "tweedie", "mixup": 0.2}),
    ("multiclass", {"class_weights": "balanced", "precision": "bfloat16", "clip": 1.0}),
]
NAMES = [f"{task}-{'-'.join(str(value) for value in given.values())}" for task, given in OPTIONS]


def positive(task: str) -> Problem:
    given = problem(task)
    if task != "regression":
        return given
    parts = [Rows(rows.X, np.abs(rows.y)) for rows in (given.train, given.validation)]
    return Problem(task, parts[0], parts[1], given.seed)


@pytest.mark.parametrize(("task", "given"), OPTIONS, ids=NAMES)
def test_it_learns_and_writes_what_it_learned(task: str, given: dict[str, Any], tmp_path: Path) -> None:
    watcher = Watcher()
    params = validate_params(FAMILIES["mlp"].params, {"epochs": 30, "batch_size": 16, **given})
    mlp.check(params, task)
    fitted = mlp.fit(positive(task), params, Control(watcher))
    losses = watcher.series("train_loss")
    assert losses[-1] < 0.9 * losses[0]
    write_model(tmp_path, fitted.export(), task, 4)
    X = np.random.default_rng(0).normal(scale=30.0, size=(200, 4))
    np.testing.assert_allclose(Model(tmp_path, task).predict(X), fitted.predict(X), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("task", "given"), OPTIONS, ids=NAMES)
def test_killed_at_random_steps_it_resumes_exactly(task: str, given: dict[str, Any], tmp_path: Path) -> None:
    params = {"epochs": 12, "batch_size": 32, "hidden": [16, 16], **given}
    spec = spec_for(tmp_path, task, [{"family": "mlp", "params": params}], seed=3)
    run(spec, tmp_path / "whole")
    looks, kills = random.Random(str(given)), 0
    while not (tmp_path / "broken" / "artifact" / "manifest.json").exists():
        try:
            run(
                spec, tmp_path / "broken", Killer(looks.randrange(2, 40) if kills < 4 else 10_000), checkpoint_every=0.0
            )
        except Killed:
            kills += 1
    assert kills > 0
    assert content(tmp_path / "broken") == content(tmp_path / "whole")


@pytest.mark.parametrize("name", ["poisson", "tweedie"])
def test_a_linear_model_of_counts_writes_the_exponential_and_is_not_served_as_a_sum(name: str, tmp_path: Path) -> None:
    params = validate_params(FAMILIES["linear"].params, {"loss": name, "epochs": 50, "optimiser": "adamw"})
    fitted = linear.fit(positive("regression"), params, Control(Silent()))
    exported = fitted.export()
    assert exported.weights is None
    write_model(tmp_path, exported, "regression", 4)
    X = positive("regression").validation.X
    answers = fitted.predict(X)
    np.testing.assert_allclose(Model(tmp_path, "regression").predict(X), answers, rtol=1e-6)
    assert (answers > 0).all()


def test_the_quantile_asked_for_is_about_the_one_that_is_given() -> None:
    chance = np.random.default_rng(0)
    X = chance.normal(size=(2000, 2))
    y = X[:, 0] + chance.normal(size=2000) * 10 + 300
    given = Problem("regression", Rows(X[:1500], y[:1500]), Rows(X[1500:], y[1500:]), seed=0)
    params = validate_params(
        FAMILIES["linear"].params,
        {"loss": "quantile", "quantile_level": 0.9, "epochs": 300, "optimiser": "adamw", "learning_rate": 0.02},
    )
    below = (y <= linear.fit(given, params, Control(Silent())).predict(X)).mean()
    assert below == pytest.approx(0.9, abs=0.03)


def test_balanced_classes_weigh_the_same() -> None:
    y = np.array([0] * 90 + [1] * 10)
    given = Problem("binary", Rows(np.zeros((100, 1)), y), Rows(np.zeros((0, 1)), y[:0]), seed=0, classes=2)
    w = _descent.class_weighted(given).train.w
    assert w is not None
    assert w[:90].sum() == pytest.approx(w[90:].sum()) and w.mean() == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["mlp", "linear"])
def test_a_row_of_weight_two_is_the_row_twice(name: str) -> None:
    base = problem("binary", rows=60)
    X, y = base.train.X, base.train.y
    w = np.where(np.arange(len(y)) < 10, 2.0, 1.0)
    twice = np.r_[np.arange(len(y)), np.arange(10)]
    own = {"dropout": 0.0} if name == "mlp" else {}
    params = {
        "epochs": 5,
        "batch_size": None,
        "optimiser": "momentum",
        "learning_rate": 0.01,
        "keep_best": False,
        **own,
    }
    read = validate_params(FAMILIES[name].params, params)
    none = Rows(X[:0], y[:0])
    answers = [
        FAMILIES[name].fit(Problem("binary", rows, none, seed=1, classes=2), read, Control(Silent())).predict(X)
        for rows in (Rows(X, y, w / w.mean()), Rows(X[twice], y[twice]))
    ]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)


@pytest.mark.parametrize(
    ("task", "given", "field"),
    [
        ("regression", {"loss": "focal"}, "params.loss"),
        ("regression", {"class_weights": "balanced"}, "params.class_weights"),
        ("regression", {"label_smoothing": 0.1}, "params.label_smoothing"),
        ("binary", {"normalisation": "batch", "processes": 2}, "params.normalisation"),
    ],
)
def test_what_does_not_go_together_is_refused(task: str, given: dict[str, Any], field: str) -> None:
    with pytest.raises(TrainError) as caught:
        mlp.check(validate_params(FAMILIES["mlp"].params, given), task)
    assert caught.value.field == field and caught.value.hint


def test_counts_below_zero_are_refused_with_the_number() -> None:
    params = validate_params(FAMILIES["mlp"].params, {"loss": "poisson"})
    with pytest.raises(TrainError, match=r"goes down to -\d"):
        below = problem("regression")
        rows = Rows(below.train.X, below.train.y - 100)
        mlp.fit(Problem("regression", rows, below.validation, 0), params, Control(Silent()))


def test_a_gpu_is_used_when_there_is_one_and_never_required(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.pick() == "cpu" and devices.precision("auto", "cpu") == "float32"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert devices.pick("auto", 2) == "cpu"  # two processes would want two
    assert devices.pick() == "cuda" and devices.precision("auto", "cuda:0") == "bfloat16"
    assert devices.pick("cpu") == "cpu" and devices.precision("float32", "cuda") == "float32"


def test_everything_is_declared_with_help() -> None:
    for name in ("mlp", "linear"):
        for param in family.FAMILIES[name].params:
            assert param.help.endswith(".") and param.title
