"""What the loop does when a training goes wrong, is too large, or has too little time."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugins.params import validate_params
from tests.conformance.test_families import problem
from tests.training.engine.tables import Watcher, run, spec_for
from training.engine import memory
from training.engine.control import Control, Silent
from training.engine.errors import Diverged, TrainError
from training.engine.families import mlp
from training.engine.family import FAMILIES, Problem, Rows
from training.engine.fit import Loop


def params(**given: Any) -> dict[str, Any]:
    return validate_params(FAMILIES["mlp"].params, given)


class Spoilt(Watcher):
    """From step 40 on, every loss is no number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        usual = Loop.gradient
        monkeypatch.setattr(
            Loop, "gradient", lambda loop, batch: float("nan") if loop.step >= 40 else usual(loop, batch)
        )


@pytest.mark.parametrize("keep_best", [True, False])
def test_a_training_that_diverges_late_hands_out_its_best_weights(
    keep_best: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Spoilt(monkeypatch)
    control = Control(watcher)
    given = problem("binary")
    fitted = mlp.fit(given, params(batch_size=16, epochs=60, keep_best=keep_best, patience=None), control)
    assert control.ended_by == "divergence"
    assert "nan at step 41 with learning rate" in control.warning and "Use a learning rate of" in control.warning
    assert control.warning in watcher.lines
    chance = fitted.predict(given.validation.X)[np.arange(80), given.validation.y]
    assert float(-np.log(chance).mean()) == pytest.approx(min(watcher.series("validation_loss")), rel=1e-4)


def test_the_run_says_so_in_its_leaderboard_and_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_for(tmp_path, "binary", [{"family": "mlp", "params": {"batch_size": 16, "epochs": 30}}])
    report = run(spec, tmp_path, Spoilt(monkeypatch))
    assert report.state == "succeeded" and report.leaderboard[0]["ended_by"] == "divergence"
    found = next(each for each in report.findings if each["check"] == "divergence")
    assert "step 41" in found["message"] and found["severity"] == "warning" and found["fix"]


def test_before_anything_good_it_is_an_error() -> None:
    with pytest.raises(Diverged, match=r"at step \d+ with learning rate 10"):
        mlp.fit(problem("binary"), params(optimiser="sgd", learning_rate=10.0, schedule="constant"), Control(Silent()))


def test_a_network_that_does_not_fit_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 1 << 30)
    with pytest.raises(TrainError) as caught:
        mlp.fit(problem("binary"), params(hidden=[4096] * 8), Control(Silent()))
    error = caught.value
    assert error.code == "too_large" and "1.00 GiB are available" in error.detail
    assert "weights × 6 copies" in error.detail and "narrower" in error.hint


def test_the_estimate_is_about_what_a_fit_takes() -> None:
    """Held against the growth of the process's peak, in a process of its own."""
    import subprocess
    import sys

    code = """
import numpy as np, torch
from pathlib import Path
from plugins.params import validate_params
from training.engine import memory
from training.engine.control import Control, Silent
from training.engine.families import mlp
from training.engine.family import FAMILIES, Problem, Rows
X = np.random.default_rng(0).normal(size=(12_000, 100))
rows = Rows(X, X[:, 0].copy())
params = lambda **given: validate_params(FAMILIES["mlp"].params, {"epochs": 1, "batch_size": 4096, **given})
small = Problem("regression", Rows(X[:99], X[:99, 0].copy()), Rows(X[:0], X[:0, 0]), 0)
mlp.fit(small, params(hidden=[2]), Control(Silent()))
asked = []
memory.require = lambda needs, reduce: asked.append(sum(needs.values()))
status = Path("/proc/self/status")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = memory._kilobytes(status, "VmRSS")
mlp.fit(Problem("regression", rows, Rows(X[:0], X[:0, 0]), 0), params(hidden=[1024, 1024]), Control(Silent()))
print((memory._kilobytes(status, "VmHWM") - before) / asked[-1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert 0.5 < float(done.stdout) < 1.1


def test_limits_are_the_least_of_processs_containers_and_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("900000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 50000\n")
    assert memory._container(tmp_path) == 150_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._container(tmp_path) is None
    free = memory.available()
    assert free is not None and free > 0
    used = memory._kilobytes(Path("/proc/self/status"), "VmSize") or 0
    monkeypatch.setattr(resource, "getrlimit", lambda which: (used + 5_000_000, -1))
    below = memory.available()
    assert below is not None and below <= 5_000_000


def test_a_time_limit_shortens_the_schedule_so_that_the_fit_ends_annealed() -> None:
    chance = np.random.default_rng(0)
    X = chance.normal(size=(2_000, 10))
    rows = Rows(X, (X[:, 0] > 0).astype(np.int64))
    watcher = Watcher()
    control = Control(watcher, seconds=1.5)
    given = Problem("binary", rows, Rows(X[:500], rows.y[:500]), seed=0, classes=2)
    fitted = mlp.fit(given, params(epochs=100_000, patience=None), control)
    assert watcher.series("learning_rate")[-1] < 1e-4  # of 2e-3
    assert control.ended_by == "time limit" and control.elapsed < 3 and fitted.steps > 50


def test_no_limit_no_plan_and_an_ample_limit_changes_nothing() -> None:
    weights = []
    for seconds in (None, 600.0):
        fitted = mlp.fit(problem("binary"), params(epochs=4), Control(Silent(), seconds=seconds))
        weights.append(fitted.layers[0].weight)
    np.testing.assert_array_equal(weights[0], weights[1])
