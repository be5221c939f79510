"""Whether what a deployment is asked, and answers, still looks like what its model learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from serving.runtime.drift import statistics
from serving.runtime.drift.reference import Column

MINIMUM = 100  # values on either side; with fewer nothing is said
SIGNIFICANT = 0.01  # after Holm's correction over all the tests of a window
MODERATE = 0.1  # of PSI, below which a change is of no practical weight (Siddiqi)


@dataclass(frozen=True)
class Test:
    """One test of one column: "ks", "chi2", or "missing" for the share of missing values."""

    name: str
    statistic: float
    p: float
    adjusted: float = 1.0
    q: float = 1.0


@dataclass(frozen=True)
class Drift:
    """One column's comparison. `psi` and `tests` are None and empty where there are too few values.

    `groups` are (name, share of the reference, share of the live values), for pictures; the first is of missing values,
    named "missing". `unseen` counts values of categories that training never saw.
    """

    column: str
    values: int
    psi: float | None
    tests: tuple[Test, ...]
    groups: tuple[tuple[Any, float, float], ...]
    missing: tuple[float, float]
    unseen: int | None

    @property
    def adjusted(self) -> float:
        """The smallest of the column's corrected p-values."""
        return min((test.adjusted for test in self.tests), default=1.0)

    def drifted(self, threshold: float = MODERATE) -> bool:
        """Beyond chance, and by enough to matter."""
        return self.psi is not None and self.psi >= threshold and self.adjusted < SIGNIFICANT


def compare(columns: Sequence[Column], live: Mapping[str, np.ndarray]) -> list[Drift]:
    """Compare every column's sketch with its reference, all tests corrected together; the most changed first."""
    found = [_compare(column, live.get(column.name)) for column in columns]
    tests = [test.p for drift in found for test in drift.tests]
    corrected = iter(zip(statistics.holm(tests), statistics.benjamini_hochberg(tests), strict=True))
    judged = []
    for drift in found:
        own = tuple(replace(test, adjusted=a, q=q) for test, (a, q) in zip(drift.tests, corrected, strict=False))
        judged.append(replace(drift, tests=own))
    return sorted(judged, key=lambda drift: -(drift.psi or 0.0))


def _compare(column: Column, live: np.ndarray | None) -> Drift:
    before = column.sketch
    now = np.zeros_like(before) if live is None or len(live) != len(before) else live
    m, n = int(before.sum()), int(now.sum())
    named = column.bins.groups(before)
    places = [[0], *(places for _name, places in named)]
    old, new = (np.array([sketch[each].sum() for each in places]) for sketch in (before, now))
    enough = m >= MINIMUM and n >= MINIMUM
    complete = getattr(column.bins, "complete", False)
    return Drift(
        column=column.name,
        values=n,
        psi=statistics.psi(old, new) if enough else None,
        tests=_tests(column, before, now) if enough else (),
        groups=tuple(
            (name, float(a / max(m, 1)), float(b / max(n, 1)))
            for name, a, b in zip(["missing", *(name for name, _places in named)], old, new, strict=True)
        ),
        missing=(float(before[0] / max(m, 1)), float(now[0] / max(n, 1))),
        unseen=int(now[1]) if complete else None,
    )


def _tests(column: Column, before: np.ndarray, now: np.ndarray) -> tuple[Test, ...]:
    test = statistics.kolmogorov_smirnov if column.bins.ordered else statistics.chi_squared
    statistic, p = test(before[1:], now[1:])
    found = [Test("ks" if column.bins.ordered else "chi2", statistic, p)]
    if before[0] or now[0]:
        m, n = int(before.sum()), int(now.sum())
        share = statistics.two_shares(int(before[0]), m, int(now[0]), n)
        found.append(Test("missing", float(now[0] / n - before[0] / m), share))
    return tuple(found)
