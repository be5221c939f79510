"""Importance and curves as charts: coordinates for inline SVG, and the same figures for the table beside each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from training.models import ModelVersion

WIDTH, HEIGHT, EDGE = 240.0, 110.0, 4.0
FIRST = 6  # curves that are shown at once


@dataclass(frozen=True, slots=True)
class Bar:
    """One column's importance; the places are hundredths of the breadth."""

    column: str
    importance: float
    low: float
    high: float
    zero: float
    start: float
    width: float
    low_at: float
    high_at: float


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline's points, and of which class it is."""

    name: str
    points: str


@dataclass(frozen=True, slots=True)
class Curve:
    """The answer along one column. `rows` are its table: (value, mean of each line)."""

    column: str
    ordered: bool
    means: list[Line]
    singles: list[str]
    names: list[str]
    rows: list[tuple[Any, list[float]]]
    low: float
    high: float
    first: Any
    last: Any


@dataclass(frozen=True, slots=True)
class Charts:
    """`answer` says what the curves show: a class's probability, or nothing for a value and for many classes."""

    bars: list[Bar]
    curves: list[Curve]
    rows: int
    metric: str
    baseline: float
    answer: str

    @property
    def first(self) -> list[Curve]:
        return self.curves[:FIRST]

    @property
    def more(self) -> list[Curve]:
        return self.curves[FIRST:]


def charts_of(content: Mapping[str, Any], version: ModelVersion) -> Charts:
    """What engine/effects.py worked out, laid out."""
    classes = [_word(label) for label in version.manifest.get("classes") or ()]
    answer = classes[1] if len(classes) == 2 else ""
    names = classes if len(classes) > 2 else [answer or version.target]
    curves = [_curve(entry, names) for entry in content["curves"]]
    bars = _bars(content["importance"])
    return Charts(bars, curves, content["rows"], content["metric"], content["baseline"], answer)


def _word(label: Any) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)


def _bars(entries: Sequence[Mapping[str, Any]]) -> list[Bar]:
    low: float = min([0.0, *(entry["low"] for entry in entries)])
    breadth: float = max([0.0, *(entry["high"] for entry in entries)]) - low or 1.0

    def place(value: float) -> float:
        return 100 * (value - low) / breadth

    return [
        Bar(
            entry["column"], entry["importance"], entry["low"], entry["high"], place(0.0),
            place(min(0.0, entry["importance"])), 100 * abs(entry["importance"]) / breadth,
            place(entry["low"]), place(entry["high"]),
        )
        for entry in entries
    ]  # fmt: skip


def _curve(entry: Mapping[str, Any], names: Sequence[str]) -> Curve:
    grid, means, singles = entry["grid"], entry["means"], entry["singles"]
    places = _places(grid, entry["ordered"])
    every = [value for line in (*means, *singles) for value in line]
    low, high = min(every), max(every)
    breadth = (high - low) or 1.0

    def points(line: Sequence[float]) -> str:
        pairs = zip(places, line, strict=True)
        return " ".join(f"{x:.1f},{HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (y - low) / breadth:.1f}" for x, y in pairs)

    rows = [(value, [line[at] for line in means]) for at, value in enumerate(grid)]
    lines = [Line(name, points(line)) for name, line in zip(names, means, strict=False)]
    shown = list(names[: len(means)])
    first, last = grid[0], grid[-1]
    return Curve(
        entry["column"], entry["ordered"], lines, [points(line) for line in singles], shown, rows, low, high, first, last
    )  # fmt: skip


def _places(grid: Sequence[Any], ordered: bool) -> list[float]:
    """Where the values lie across the chart: numbers and dates by their distance, categories one after another."""
    inner = WIDTH - 2 * EDGE
    if not ordered:
        return [EDGE + inner * at / (len(grid) - 1) for at in range(len(grid))]
    numbers = [_number(value) for value in grid]
    breadth = (numbers[-1] - numbers[0]) or 1.0
    return [EDGE + inner * (number - numbers[0]) / breadth for number in numbers]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else datetime.fromisoformat(value).timestamp()
