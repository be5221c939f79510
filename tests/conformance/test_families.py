"""What every model family must keep, run over every one that is registered."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugins.params import ParamError, validate_params
from tests.training.engine.tables import Killed, Killer, Teller, Watcher, content, run, spec_for
from training.engine.artifact import Model
from training.engine.control import Control, Silent
from training.engine.errors import TrainCancelled, TrainError, TrainPaused
from training.engine.family import BINARY, FAMILIES, MULTICLASS, REGRESSION, Family, Problem, Rows

SHORT = {"epochs": 12, "rounds": 12}
CASES = [pytest.param(family, task, id=f"{family.name}-{task}") for family in FAMILIES for task in family.tasks]


def short(family: Family, **given: Any) -> dict[str, Any]:
    """Parameters that finish in a blink."""
    names = {param.name for param in family.params}
    return {name: value for name, value in (SHORT | given).items() if name in names}


def problem(task: str, gaps: bool = False, rows: int = 160) -> Problem:
    chance = np.random.default_rng(3)
    X = chance.normal(size=(rows, 4))
    score = X @ np.array([1.5, -1.0, 0.5, 0.0]) + chance.normal(0, 0.2, rows)
    y = {REGRESSION: 40 + 9 * score, BINARY: (score > 0).astype(np.int64), MULTICLASS: np.digitize(score, [-1, 1])}[
        task
    ]
    if gaps:
        X[chance.random(X.shape) < 0.1] = np.nan
    half = rows // 2
    classes = {REGRESSION: 0, BINARY: 2, MULTICLASS: 3}[task]
    return Problem(task, Rows(X[:half], y[:half]), Rows(X[half:], y[half:]), seed=5, classes=classes)


@pytest.mark.parametrize(("family", "task"), CASES)
def test_loss_falls(family: Family, task: str) -> None:
    watcher = Watcher()
    params = validate_params(family.params, short(family, epochs=40, rounds=40))
    fitted = family.fit(problem(task), params, Control(watcher))
    losses = watcher.series("train_loss")
    assert losses[-1] < 0.8 * losses[0]
    assert watcher.series("validation_loss")
    assert fitted.steps > 0


@pytest.mark.parametrize(("family", "task"), CASES)
def test_same_seed_gives_same_bytes(family: Family, task: str, tmp_path: Path) -> None:
    spec = spec_for(tmp_path, task, [{"family": family.name, "params": short(family)}], seed=11)
    reports = [run(spec, tmp_path / name) for name in ("one", "two")]
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert reports[0].manifest_sha256 == reports[1].manifest_sha256


@pytest.mark.parametrize(("family", "task"), CASES)
def test_written_model_predicts_what_was_trained(family: Family, task: str, tmp_path: Path) -> None:
    from training.engine.artifact import write_model

    given = problem(task, gaps=not family.needs.complete)
    fitted = family.fit(given, validate_params(family.params, short(family)), Control(Silent()))
    write_model(tmp_path, fitted.export(), task, 4)
    X = np.random.default_rng(0).normal(scale=30.0, size=(500, 4))  # far outside the training rows too
    if not family.needs.complete:
        X[::3, 1] = np.nan
    trained, written = fitted.predict(X), Model(tmp_path, task).predict(X)
    assert written.shape == ((500,) if task == REGRESSION else (500, given.classes))
    np.testing.assert_allclose(written, trained, rtol=1e-6, atol=1e-6)
    if task != REGRESSION:
        np.testing.assert_allclose(written.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize(("family", "task"), CASES)
def test_artifact_passes_its_gate(family: Family, task: str, tmp_path: Path) -> None:
    report = run(spec_for(tmp_path, task, [{"family": family.name, "params": short(family)}]), tmp_path)
    assert report.task == task
    assert 0.0 <= report.parity <= 1e-6
    assert report.metrics["test"][report.score["metric"]] < report.baseline["test"][report.score["metric"]]


@pytest.mark.parametrize(("family", "task"), CASES)
def test_killed_at_random_steps_resumes_exactly(family: Family, task: str, tmp_path: Path) -> None:
    params = short(family, batch_size=16, epochs=96, rounds=96, learning_rate=0.01, feature_fraction=0.5)
    spec = spec_for(tmp_path, task, [{"family": family.name, "params": params}], seed=3)
    run(spec, tmp_path / "whole")
    looks, kills = random.Random(f"{family.name}/{task}"), 0
    while not (tmp_path / "broken" / "artifact" / "manifest.json").exists():
        try:
            look = looks.randrange(2, 60) if kills < 8 else 10_000
            run(spec, tmp_path / "broken", Killer(look), checkpoint_every=0.0)
        except Killed:
            kills += 1
    assert kills > 0
    assert content(tmp_path / "broken") == content(tmp_path / "whole")


@pytest.mark.parametrize(("family", "task"), CASES)
def test_paused_resumes_exactly(family: Family, task: str, tmp_path: Path) -> None:
    spec = spec_for(tmp_path, task, [{"family": family.name, "params": short(family, epochs=96)}], seed=3)
    run(spec, tmp_path / "whole")
    with pytest.raises(TrainPaused):
        run(spec, tmp_path / "paused", Teller("pause", after=1))
    run(spec, tmp_path / "paused")
    assert content(tmp_path / "paused") == content(tmp_path / "whole")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_stop_keeps_a_model_and_cancel_keeps_none(family: Family, tmp_path: Path) -> None:
    spec = spec_for(tmp_path, BINARY, [{"family": family.name, "params": short(family, epochs=500, rounds=500)}])
    report = run(spec, tmp_path / "stopped", Teller("stop", after=3))
    assert report.state == "stopped"
    assert report.leaderboard[0]["ended_by"] == "stop"
    with pytest.raises(TrainCancelled):
        run(spec, tmp_path / "cancelled", Teller("cancel", after=3))
    assert not (tmp_path / "cancelled" / "artifact").exists()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_bad_params_are_refused(family: Family, tmp_path: Path) -> None:
    for param in family.params:
        bad: Any = {"bool": "perhaps", "choice": "nonsense", "ints": [0], "text": 3}.get(param.kind, "1e999")
        with pytest.raises(ParamError):
            validate_params(family.params, {param.name: bad})
        with pytest.raises(TrainError) as caught:
            run(spec_for(tmp_path, BINARY, [{"family": family.name, "params": {param.name: bad}}]), tmp_path)
        assert caught.value.field == f"candidates[0].params.{param.name}"
    with pytest.raises(ParamError):
        validate_params(family.params, {"no_such_parameter": 1})


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_declaration_is_complete(family: Family) -> None:
    assert family.label and family.help.endswith(".")
    assert family.tasks
    for param in family.params:
        assert param.help.endswith("."), param.name
        assert param.default is None or param.validate(param.default) == param.default
        if param.tunable and param.kind in {"int", "float"}:
            assert param.low is not None and param.high is not None, f"{param.name} is tunable but has no range"


def test_declarations_import_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.path[:0]=['platform','.'];"
        "from training.engine.family import FAMILIES; from training.engine import presets, search, train;"
        "FAMILIES.names(); presets.plan(rows=1000, features=10, task='binary');"
        "print([m for m in ('torch','sklearn','pandas','polars','optuna','onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
