"""Figures with their intervals, laid out for the SVG that templates/serving/_dots.html draws. Every one has a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, LABEL, RIGHT, ROW, TOP = 640, 150, 56, 26, 8


@dataclass(frozen=True, slots=True)
class Dot:
    """One row: a figure, its interval where it has one, and whether it needs a look."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    tone: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A row as it is drawn: coordinates in the chart's own units."""

    dot: Dot
    y: float
    x: float | None
    left: float | None
    right: float | None


@dataclass(frozen=True, slots=True)
class Dots:
    """A chart of dots with whiskers, one row each, over a common scale with a line to compare with."""

    title: str
    marks: list[Mark]
    ticks: list[tuple[float, float]]
    line: float | None
    line_label: str
    height: int
    band: tuple[float, float] | None = None
    width: int = WIDTH
    label: int = LABEL
    percent: bool = True
    right: int = field(default=WIDTH - RIGHT)


def dots(
    title: str,
    rows: Sequence[Dot],
    *,
    line: float | None = None,
    line_label: str = "",
    band: tuple[float, float] | None = None,
    percent: bool = True,
    whole: bool = False,
) -> Dots | None:
    """Lay the rows out. `whole` shows 0 to 1 whatever the figures; None where there is nothing to draw."""
    ends = [v for dot in rows for v in (dot.value, dot.low, dot.high) if v is not None and math.isfinite(v)]
    if not ends:
        return None
    ends += [v for v in (line, *(band or ())) if v is not None]
    low, high = (0.0, 1.0) if whole else _nice(min(ends), max(ends), percent)

    def place(value: float | None) -> float | None:
        if value is None or not math.isfinite(value):
            return None
        inside = min(high, max(low, value))
        return round(LABEL + (inside - low) / (high - low) * (WIDTH - LABEL - RIGHT), 1)

    marks = [
        Mark(dot, TOP + ROW * (i + 0.5), place(dot.value), place(dot.low), place(dot.high))
        for i, dot in enumerate(rows)
    ]
    ticks = [(place(value) or 0.0, value) for value in _ticks(low, high)]
    shown = (place(band[0]) or 0.0, place(band[1]) or 0.0) if band else None
    return Dots(title, marks, ticks, place(line), line_label, TOP + ROW * len(rows) + 22, shown, percent=percent)


def _nice(low: float, high: float, percent: bool) -> tuple[float, float]:
    room = 0.08 * (high - low) or max(abs(high), 1.0) * 0.1
    low, high = low - room, high + room
    return (max(0.0, low), min(1.0, high)) if percent and low >= -room and high <= 1 + room else (low, high)


def _ticks(low: float, high: float) -> list[float]:
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step = next(step * factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    first = math.ceil(low / step)
    return [round(number * step, 12) for number in range(first, math.floor(high / step) + 1)]
