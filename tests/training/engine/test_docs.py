"""The family that docs/adding-a-model-family.md writes is one."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import numpy as np

from plugins.params import validate_params
from training.engine.artifact import Model, write_model
from training.engine.control import Control, Silent
from training.engine.family import REGRESSION, Family, Problem, Rows

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-model-family.md"


def declared() -> Family:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    module = types.ModuleType("nearest")
    sys.modules["nearest"] = module  # dataclasses look their module up
    try:
        exec(compile(code, str(PAGE), "exec"), module.__dict__)
    finally:
        del sys.modules["nearest"]
    return module.FAMILY


def test_it_fits_and_its_written_model_agrees(tmp_path: Path) -> None:
    family, random = declared(), np.random.default_rng(0)
    X = random.normal(size=(80, 3))
    problem = Problem(REGRESSION, Rows(X, X.sum(axis=1)), Rows(X[:0], X[:0, 0]), seed=0)
    fitted = family.fit(problem, validate_params(family.params, {}), Control(Silent()))
    write_model(tmp_path, fitted.export(), REGRESSION, 3)
    probes = random.normal(size=(50, 3))
    np.testing.assert_allclose(Model(tmp_path, REGRESSION).predict(probes), fitted.predict(probes), rtol=1e-9)
    assert np.corrcoef(fitted.predict(probes), probes.sum(axis=1))[0, 1] > 0.8
