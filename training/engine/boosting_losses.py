"""The losses of boosted trees: where to start, which way each row pulls, and how far off the answers are.

Raw predictions are (rows, outputs) on the scale of the link: a value, the logarithm of one (Poisson, Tweedie),
log-odds, or one score a class. Weights are (rows,) with mean 1, or None. `native` names LightGBM's own objective where
that knows more than two derivatives (the leaves of an absolute error are medians) or is faster (a squared error's
second derivative is one); its metric times `times` is the loss then, and only `start` is asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from training.engine.family import BINARY, MULTICLASS, REGRESSION

if TYPE_CHECKING:
    import numpy as np

    Pair = tuple[np.ndarray, np.ndarray]


class Native(ABC):
    """A loss that LightGBM computes itself: through Python, each round would copy what it knows already."""

    native: Mapping[str, Any]
    times = 1.0

    @abstractmethod
    def start(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        """The constant that fits best. Shape: (outputs,)."""


class Custom(ABC):
    """A loss whose derivatives are taken here. Shapes: raw (rows, outputs), y (rows,), w (rows,) or None."""

    @abstractmethod
    def start(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        """The constant that fits best. Shape: (outputs,)."""

    @abstractmethod
    def derivatives(self, raw: np.ndarray, y: np.ndarray) -> Pair:
        """First and second derivatives of each row's loss by its raw predictions. Shape: both (rows, outputs)."""

    @abstractmethod
    def each(self, raw: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Each row's loss. Shape: (rows,)."""


Loss = Native | Custom


class Squared(Native):
    """(z − y)²."""

    native: Mapping[str, Any] = MappingProxyType({"objective": "regression", "metric": "l2"})

    def start(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        return _constant(_average(y, w))


class Quantile(Native):
    """α (y − z) above the answer, (1 − α)(z − y) below it; the absolute error is twice that of the median."""

    def __init__(self, alpha: float, times: float = 1.0) -> None:
        self.alpha, self.times = alpha, times
        self.native = {"objective": "quantile", "metric": "quantile", "alpha": alpha}

    def start(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        import numpy as np

        order = np.argsort(y, kind="stable")
        share = np.cumsum(np.ones(len(y)) if w is None else w[order])
        return _constant(float(y[order][np.searchsorted(share, self.alpha * share[-1])]))


class Huber(Custom):
    """½(z − y)² within one standard deviation of the target, |z − y| − ½ beyond (Huber 1964)."""

    def start(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        return Quantile(0.5).start(y, w)

    def derivatives(self, raw: np.ndarray, y: np.ndarray) -> Pair:
        import numpy as np

        return np.clip(raw - y[:, None], -1.0, 1.0), np.ones_like(raw)

    def each(self, raw: np.ndarray, y: np.ndarray) -> np.ndarray:
        import numpy as np

        error = np.abs(raw[:, 0] - y)
        return np.where(error <= 1.0, 0.5 * error**2, error - 0.5)  # type: ignore[no-any-return]


class Poisson(Custom):
    """e^z − y z: counts whose logarithm of the mean is predicted, less a constant."""

    def start(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        return _log_mean(y, w)

    def derivatives(self, raw: np.ndarray, y: np.ndarray) -> Pair:
        import numpy as np

        mean = np.exp(raw)
        # A step that is right for the mean as it is overshoots where it grows: 0.7 as in XGBoost and LightGBM.
        return mean - y[:, None], mean * np.exp(0.7)

    def each(self, raw: np.ndarray, y: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.exp(raw[:, 0]) - y * raw[:, 0]  # type: ignore[no-any-return]


class Tweedie(Custom):
    """e^((2−p)z)/(2−p) − y e^((1−p)z)/(1−p): amounts that are often zero, with 1 < p < 2 (Tweedie 1984)."""

    def __init__(self, power: float) -> None:
        self.power = power

    def start(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        return _log_mean(y, w)

    def derivatives(self, raw: np.ndarray, y: np.ndarray) -> Pair:
        low, high = self._parts(raw, y[:, None])
        return high - low, (2.0 - self.power) * high + (self.power - 1.0) * low

    def each(self, raw: np.ndarray, y: np.ndarray) -> np.ndarray:
        low, high = self._parts(raw[:, 0], y)
        return high / (2.0 - self.power) - low / (1.0 - self.power)

    def _parts(self, raw: np.ndarray, y: np.ndarray) -> Pair:
        import numpy as np

        return y * np.exp((1.0 - self.power) * raw), np.exp((2.0 - self.power) * raw)


class Logistic(Custom):
    """−[y log p + (1−y) log(1−p)] with p = sigmoid(z)."""

    def start(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        import numpy as np

        share = np.clip(_average(y, w), 1e-12, 1.0 - 1e-12)
        return _constant(float(np.log(share / (1.0 - share))))

    def derivatives(self, raw: np.ndarray, y: np.ndarray) -> Pair:
        p = _sigmoid(raw)
        return p - y[:, None], p * (1.0 - p)

    def each(self, raw: np.ndarray, y: np.ndarray) -> np.ndarray:
        import numpy as np

        wrong = np.where(y == 1, -raw[:, 0], raw[:, 0])
        # log(1 + e^z), three times as fast as logaddexp
        return np.maximum(wrong, 0.0) + np.log1p(np.exp(-np.abs(wrong)))


class Focal(Logistic):
    """−(1−p)^γ log p with p the chance given to the true class: what is already right counts less (Lin et al. 2017)."""

    def __init__(self, gamma: float) -> None:
        self.gamma = gamma

    def derivatives(self, raw: np.ndarray, y: np.ndarray) -> Pair:
        import numpy as np

        sign = np.where(y == 1, 1.0, -1.0)[:, None]
        p = np.clip(_sigmoid(sign * raw), 1e-12, 1.0 - 1e-12)
        gamma, rest, log = self.gamma, 1.0 - p, np.log(p)
        slope = gamma * p * log - rest
        curve = rest**gamma * (gamma * (log + 1.0) + 1.0) - gamma * rest ** (gamma - 1.0) * slope
        # The loss is not convex where a row is badly wrong; the steps stay finite there.
        return sign * rest**gamma * slope, np.maximum(curve * p * rest, 1e-3)

    def each(self, raw: np.ndarray, y: np.ndarray) -> np.ndarray:
        import numpy as np

        plain = super().each(raw, y)
        return (-np.expm1(-plain)) ** self.gamma * plain  # type: ignore[no-any-return]


class Softmax(Custom):
    """−log p[y] with p = softmax(z)."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def start(self, y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        import numpy as np

        counts = np.bincount(y, weights=w, minlength=self.classes)
        score = np.log(np.clip(counts / counts.sum(), 1e-12, 1.0))
        return score - score.mean()  # type: ignore[no-any-return]

    def derivatives(self, raw: np.ndarray, y: np.ndarray) -> Pair:
        import numpy as np

        p = np.exp(raw - raw.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        # The scores share one degree of freedom (Friedman 2001).
        curve = self.classes / (self.classes - 1.0) * p * (1.0 - p)
        p[np.arange(len(y)), y] -= 1.0
        return p, curve

    def each(self, raw: np.ndarray, y: np.ndarray) -> np.ndarray:
        import numpy as np

        top = raw.max(axis=1)
        spread = np.log(np.exp(raw - top[:, None]).sum(axis=1)) + top
        return spread - raw[np.arange(len(y)), y]  # type: ignore[no-any-return]


TASKS = {
    "mse": REGRESSION,
    "mae": REGRESSION,
    "huber": REGRESSION,
    "quantile": REGRESSION,
    "poisson": REGRESSION,
    "tweedie": REGRESSION,
    "binary_cross_entropy": BINARY,
    "focal": BINARY,
    "cross_entropy": MULTICLASS,
}
CHOICES = ("auto", *TASKS)
LOG_LINK = ("poisson", "tweedie")
_USUAL = {REGRESSION: "mse", BINARY: "binary_cross_entropy", MULTICLASS: "cross_entropy"}


def resolve(name: str, task: str) -> str:
    """The loss that `name` means for the task ("auto": its usual one)."""
    return _USUAL[task] if name == "auto" else name


def build(name: str, params: Mapping[str, Any], classes: int) -> Loss:
    """The loss of a resolved name."""
    makers: dict[str, Any] = {
        "mse": Squared,
        "mae": lambda: Quantile(0.5, times=2.0),
        "huber": Huber,
        "quantile": lambda: Quantile(params["quantile"]),
        "poisson": Poisson,
        "tweedie": lambda: Tweedie(params["power"]),
        "binary_cross_entropy": Logistic,
        "focal": lambda: Focal(params["gamma"]),
        "cross_entropy": lambda: Softmax(classes),
    }
    loss: Loss = makers[name]()
    return loss


def mean(loss: Custom, raw: np.ndarray, y: np.ndarray, w: np.ndarray | None) -> float:
    """The mean over the rows, by their weights."""
    return _average(loss.each(raw, y), w)


def _average(values: np.ndarray, w: np.ndarray | None) -> float:
    return float(values.mean() if w is None else (values * w).sum() / w.sum())


def _constant(value: float) -> np.ndarray:
    import numpy as np

    return np.array([value])


def _log_mean(y: np.ndarray, w: np.ndarray | None) -> np.ndarray:
    import numpy as np

    return _constant(float(np.log(max(_average(y, w), 1e-12))))


def _sigmoid(raw: np.ndarray) -> np.ndarray:
    import numpy as np

    with np.errstate(over="ignore"):  # e^800 is infinite and its reciprocal the right zero
        result: np.ndarray = 1.0 / (1.0 + np.exp(-raw))
    return result
