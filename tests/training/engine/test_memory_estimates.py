"""What trees and networks for tables say beforehand that they will take, against what they then take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugins.params import validate_params
from training.engine import memory
from training.engine.control import Control, Silent
from training.engine.errors import TrainError
from training.engine.family import FAMILIES, Problem, Rows

MEASURE = """
import sys
from pathlib import Path
import numpy as np
from plugins.params import validate_params
from training.engine import memory
from training.engine.control import Control, Silent
from training.engine.family import FAMILIES, Problem, Rows
family, given, rows, columns = FAMILIES[sys.argv[1]], eval(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
def problem(rows):
    X = np.random.default_rng(0).normal(size=(rows, columns))
    return Problem("regression", Rows(X, X[:, 0].copy()), Rows(X[: rows // 5].copy(), X[: rows // 5, 0].copy()), 0)
def fit(problem):
    family.fit(problem, validate_params(family.params, given), Control(Silent()))
fit(problem(300))
asked, large, status = [], problem(rows), Path("/proc/self/status")
memory.require = lambda needs, reduce: asked.append(sum(needs.values()))
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = memory._kilobytes(status, "VmRSS")
fit(large)
print((memory._kilobytes(status, "VmHWM") - before) / asked[-1])
"""


@pytest.mark.parametrize(
    ("family", "given", "rows", "columns"),
    [("trees", {"rounds": 5}, 60_000, 60), ("tabm", {"steps": 5}, 40_000, 40)],
)
def test_the_estimate_is_about_what_a_fit_takes(family: str, given: dict[str, Any], rows: int, columns: int) -> None:
    """Held against the growth of the process's peak, in a process of its own."""
    asked = [sys.executable, "-c", MEASURE, family, repr(given), str(rows), str(columns)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert 0.5 < float(done.stdout) < 1.2


@pytest.mark.parametrize(
    ("family", "given", "said"),
    [
        ("trees", {"max_leaves": 4096, "min_rows_leaf": 1}, "leaves × 100 columns × 255 steps"),
        ("tabm", {"hidden": [2048] * 4, "members": 64}, "weights of 64 members"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_numbers(
    family: str, given: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available", lambda: 1 << 30)
    X = np.random.default_rng(0).normal(size=(5_000, 100))
    problem = Problem("regression", Rows(X, X[:, 0].copy()), Rows(X[:50], X[:50, 0].copy()), 0)
    with pytest.raises(TrainError) as caught:
        FAMILIES[family].fit(problem, validate_params(FAMILIES[family].params, given), Control(Silent()))
    error = caught.value
    assert error.code == "too_large" and "1.00 GiB are available" in error.detail
    assert said in error.detail and "fewer columns" in error.hint
