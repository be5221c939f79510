"""Durations in buckets that grow by a fifth each: a percentile is then known to within a tenth. Plain Python."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

GROWTH = 1.2
# Upper ends in microseconds, from 50 µs to about 70 s; what is slower is counted in the last one.
ENDS = tuple(round(50 * GROWTH**i) for i in range(78))


def count(microseconds: Iterable[int]) -> list[int]:
    """Counts by bucket."""
    found = [0] * len(ENDS)
    for value in microseconds:
        found[min(bisect_left(ENDS, value), len(ENDS) - 1)] += 1
    return found


def add(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Two counts together; an empty one is none."""
    if not one or not other:
        return list(one or other)
    return [a + b for a, b in zip(one, other, strict=True)]


def percentile(counts: Sequence[int], share: float) -> int | None:
    """The middle, in microseconds, of the bucket below whose end that share of the calls lies; None without calls."""
    total, seen = sum(counts), 0
    for place, each in enumerate(counts):
        seen += each
        if total and seen >= share * total:
            return int(ENDS[place] / GROWTH**0.5)
    return None


def coarse(counts: Sequence[int]) -> list[tuple[int, int, int]]:
    """(from, to, calls) in microseconds, by powers of two or so: what a picture shows, without empty ends."""
    wide = [
        (ENDS[start - 1] if start else 0, ENDS[min(start + 3, len(ENDS) - 1)], sum(counts[start : start + 4]))
        for start in range(0, len(counts), 4)
    ]
    used = [place for place, bucket in enumerate(wide) if bucket[2]]
    return wide[used[0] : used[-1] + 1] if used else []
