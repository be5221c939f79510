"""The tails that the tests need, in plain Python: the platform answers without scipy, and its tests compare with scipy."""

from __future__ import annotations

import math

import numpy as np

EXACT_PATHS = 200_000  # lattice points that an exact p-value may take


def chi2_tail(x: float, degrees: int) -> float:
    """P(χ² ≥ x): the regularised upper incomplete gamma function Q(degrees/2, x/2)."""
    if x <= 0 or degrees <= 0:
        return 1.0
    a, x = degrees / 2.0, x / 2.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    return 1.0 - front * _series(a, x) if x < a + 1 else front * _fraction(a, x)


def _series(a: float, x: float) -> float:
    term = total = 1.0 / a
    n = a
    while abs(term) > abs(total) * 1e-17:
        n += 1
        term *= x / n
        total += term
    return total


def _fraction(a: float, x: float) -> float:
    """Lentz's continued fraction (1976)."""
    tiny = 1e-300
    b = x + 1.0 - a
    c, d = 1.0 / tiny, 1.0 / (b or tiny)
    h = d
    for i in range(1, 100_000):
        an = -i * (i - a)
        b += 2.0
        d = 1.0 / ((an * d + b) or tiny)
        c = (b + an / c) or tiny
        h *= d * c
        if abs(d * c - 1.0) < 1e-16:
            break
    return h


def kolmogorov_tail(x: float) -> float:
    """P(K ≥ x) of Kolmogorov's distribution (1933)."""
    if x < 0.2:
        return 1.0  # to 1e-12
    if x < 1.0:  # the alternating sum converges slowly there; Jacobi's theta function gives the same quickly
        terms = (math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8 * x * x)) for k in range(1, 20))
        return 1.0 - math.sqrt(2 * math.pi) / x * sum(terms)
    return max(0.0, 2.0 * sum((1 if k % 2 else -1) * math.exp(-2.0 * k * k * x * x) for k in range(1, 20)))


def smirnov_tail(distance: float, m: int, n: int) -> float:
    """P(D ≥ distance) for two samples of m and n values of one continuous distribution (Smirnov 1939).

    Exact by counting lattice paths (Hodges 1958) where there are few points, else Kolmogorov's limit, which is then
    within 0.03 of it, and closer in the tail.
    """
    if distance <= 0:
        return 1.0
    if m * n > EXACT_PATHS:
        return kolmogorov_tail(distance * math.sqrt(m * n / (m + n)))
    m, n = min(m, n), max(m, n)
    # In whole numbers: |i/m − j/n| ≥ d is |i·n − j·m| ≥ d·m·n, and d·m·n is one.
    limit = round(distance * m * n)
    j = np.arange(n + 1)
    paths = (j * m < limit).astype(float)
    inside, scale = 1.0, 0.0
    for i in range(1, m + 1):
        near = np.abs(i * n - j * m) < limit
        paths = np.where(near, np.cumsum(np.where(near, paths, 0.0)), 0.0)
        inside = paths.max()
        if inside == 0.0:
            return 1.0
        paths /= inside
        scale += math.log(inside)
    whole = math.lgamma(m + n + 1) - math.lgamma(m + 1) - math.lgamma(n + 1)
    stayed = paths[n] * math.exp(scale - whole) if paths[n] else 0.0
    return float(min(1.0, max(0.0, 1.0 - stayed)))


def fisher_tail(a: int, b: int, c: int, d: int) -> float:
    """Fisher's exact two-sided p-value (1922) of the table ((a, b), (c, d)): all tables as unlikely, or more so."""
    row, column, total = a + b, a + c, a + b + c + d

    def log_p(x: int) -> float:
        return _log_choose(row, x) + _log_choose(total - row, column - x) - _log_choose(total, column)

    support = range(max(0, row + column - total), min(row, column) + 1)
    found = log_p(a)
    return min(1.0, sum(math.exp(each) for x in support if (each := log_p(x)) <= found + 1e-7))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
