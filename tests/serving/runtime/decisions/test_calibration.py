"""Maps of probabilities: fitted, applied, and judged."""

from __future__ import annotations

import json
from types import ModuleType

import numpy as np
import pytest

from serving.runtime.decisions import calibration
from serving.runtime.decisions.reliability import confidence, reliability


def skewed(n: int = 20_000, seed: int = 0, power: float = 2.5, level: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose log-odds are stretched and shifted against the truth."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-1.0, 1.2, n)
    truth = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(np.int64)
    p = 1 / (1 + np.exp(-(power * z + level)))
    return np.stack([1 - p, p], axis=1), truth


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_map_mends_what_is_skewed(method: str) -> None:
    fitted = json.loads(json.dumps(calibration.fit(method, *skewed())))
    p, truth = skewed(seed=1)
    before = reliability(p[:, 1], truth == 1).ece
    after = reliability(calibration.calibrator(fitted)(p)[:, 1], truth == 1).ece
    assert before > 0.1
    assert after < 0.02


def test_platt_finds_the_stretch_and_the_level() -> None:
    found = calibration.fit("platt", *skewed(200_000))["maps"][0]
    assert found["slope"] == pytest.approx(1 / 2.5, abs=0.01)
    assert found["level"] == pytest.approx(-1.0 / 2.5, abs=0.02)


def test_temperature_finds_the_stretch() -> None:
    found = calibration.fit("temperature", *skewed(100_000, power=3.0, level=0.0))
    assert found["temperature"] == pytest.approx(3.0, rel=0.02)


def test_isotonic_is_what_scikit_learn_fits() -> None:
    sklearn: ModuleType = pytest.importorskip("sklearn.isotonic")
    p, truth = skewed(3000)
    rounded = np.round(p, 2)  # many ties
    reference = sklearn.IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(rounded[:, 1], truth)
    found = calibration.calibrator(calibration.fit("isotonic", rounded, truth))
    at = np.linspace(0, 1, 501)
    assert np.abs(found(np.stack([1 - at, at], axis=1))[:, 1] - reference.predict(at)).max() < 1e-9


@pytest.mark.parametrize("method", calibration.METHODS)
def test_several_classes_stay_probabilities(method: str) -> None:
    rng = np.random.default_rng(4)
    p = rng.dirichlet([1, 1, 1, 1], 500)
    truth = np.array([rng.choice(4, p=row) for row in p])
    found = calibration.calibrator(calibration.fit(method, p, truth))(p)
    assert found.sum(axis=1) == pytest.approx(1)
    assert (found >= 0).all()


def test_the_other_class_may_be_the_positive_one() -> None:
    p, truth = skewed()
    one = calibration.calibrator(calibration.fit("platt", p, truth, positive=1), positive=1)(p)
    other = calibration.calibrator(calibration.fit("platt", p[:, ::-1], 1 - truth, positive=0), positive=0)(p[:, ::-1])
    assert one == pytest.approx(other[:, ::-1], abs=1e-9)


def test_weights_count_as_rows() -> None:
    p, truth = skewed(400)
    w = np.where(truth == 1, 3.0, 1.0)
    again = np.repeat(np.arange(400), w.astype(int))
    for method in ("isotonic", "temperature"):
        weighted, repeated = (
            calibration.fit(method, p, truth, weight=w),
            calibration.fit(method, p[again], truth[again]),
        )
        grid = np.stack([1 - np.linspace(0, 1, 50), np.linspace(0, 1, 50)], axis=1)
        assert calibration.calibrator(weighted)(grid) == pytest.approx(calibration.calibrator(repeated)(grid), abs=1e-5)


def test_too_few_rows_and_one_class_are_refused() -> None:
    p, truth = skewed(400)
    with pytest.raises(ValueError, match="too few"):
        calibration.fit("platt", p[:10], truth[:10])
    with pytest.raises(ValueError, match="one class"):
        calibration.fit("isotonic", p, np.zeros(400, np.int64))
    with pytest.raises(ValueError, match="known are"):
        calibration.fit("spline", p, truth)


def test_extremes_are_answered() -> None:
    p = np.array([[1.0, 0.0], [0.0, 1.0], [1 - 1e-12, 1e-12]])
    for method in calibration.METHODS:
        found = calibration.calibrator(calibration.fit(method, *skewed()))(p)
        assert np.isfinite(found).all()
        assert found.sum(axis=1) == pytest.approx(1)


def test_reliability_of_a_known_table() -> None:
    """Ten rows at 0.2 of which three came, ten at 0.8 of which eight came: ECE = ½·0.1 + ½·0."""
    p = np.repeat([0.2, 0.8], 10)
    hit = np.array([1] * 3 + [0] * 7 + [1] * 8 + [0] * 2, bool)
    found = reliability(p, hit)
    assert [(each.said, each.came, each.rows) for each in found.bins] == [
        (pytest.approx(0.2), pytest.approx(0.3), 10), (pytest.approx(0.8), pytest.approx(0.8), 10),
    ]  # fmt: skip
    assert found.ece == pytest.approx(0.05)


def test_reliability_of_nothing_is_empty() -> None:
    assert reliability(np.zeros(0), np.zeros(0, bool)).bins == ()


def test_confidence_of_several_classes() -> None:
    p, hit = confidence(np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]), np.array([1, 2]))
    assert p.tolist() == [0.5, 0.6]
    assert hit.tolist() == [True, False]
