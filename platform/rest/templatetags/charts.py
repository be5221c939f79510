"""Small charts as inline SVG: attributes only, so that they pass a content security policy without inline styles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .figures import compact


def _svg(kind: str, label: str, width: int, height: int, inside: SafeString) -> SafeString:
    return format_html(
        '<svg class="{kind}" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{inside}</svg>',
        kind=kind, w=width, h=height, label=label, inside=inside,
    )  # fmt: skip


def _finite(values: Sequence[Any]) -> list[float]:
    return [float(v) for v in values if isinstance(v, int | float) and math.isfinite(v)]


def sparkline(values: Sequence[Any] | None, label: str = "", width: int = 96, height: int = 24) -> SafeString:
    """Return a line over `values`, left to right; fewer than two numbers give an empty chart."""
    numbers = _finite(values or ())
    if len(numbers) < 2:
        return _svg("spark", label, width, height, SafeString(""))
    low, span = min(numbers), (max(numbers) - min(numbers)) or 1.0
    points = " ".join(
        f"{2 + i * (width - 4) / (len(numbers) - 1):.1f},{height - 3 - (v - low) / span * (height - 6):.1f}"
        for i, v in enumerate(numbers)
    )
    line = format_html('<polyline points="{}" fill="none" stroke="currentColor" stroke-width="1.5"/>', points)
    return _svg("spark", label, width, height, line)


def histogram(data: Any, label: str = "", width: int = 120, height: int = 32) -> SafeString:
    """Return bars for a profile's {"edges": [n+1], "counts": [n]}, or for its top values [{"value", "count"}]."""
    bars = _bars(data)
    top, slot = max((count for _, count in bars), default=0) or 1, width / max(len(bars), 1)
    rects = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        [
            (f"{i * slot:.2f}", *_sizes(count / top, slot, height), name, f"{count:,.0f}")
            for i, (name, count) in enumerate(bars)
        ],
    )
    return _svg("histogram", label, width, height, rects)


def heatmap(names: Sequence[str], rows: Sequence[Sequence[Any]], label: str = "") -> SafeString:
    """Return a square of values from −1 to 1, darker with strength. It reads in grey: a minus marks what is negative.

    Small squares also show their figures. The columns are numbered as the rows are.
    """
    side = 40 if len(names) <= 12 else 22 if len(names) <= 24 else 15
    left, top = 160, 20
    parts = [_names(names, side, left, top)]
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            pair = f"{names[y]} × {names[x]}"
            parts.append(_cell(pair, value, side=side, at=(left + x * side, top + y * side)))
    inside = format_html_join("", "{}", ((part,) for part in parts))
    return _svg("heatmap", label, left + side * len(names) + 2, top + side * len(names) + 2, inside)


def _names(names: Sequence[str], side: int, left: int, top: int) -> SafeString:
    rows = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="end">{} <tspan class="place">{}</tspan></text>',
        [
            (left - 6, top + y * side + side // 2 + 4, name if len(name) < 20 else f"{name[:18]}…", y + 1)
            for y, name in enumerate(names)
        ],
    )
    columns = format_html_join(
        "", '<text class="place" x="{}" y="{}" text-anchor="middle">{}</text>',
        [(left + x * side + side // 2, top - 6, x + 1) for x in range(len(names))],
    )  # fmt: skip
    return rows + columns


def _cell(pair: str, value: Any, *, side: int, at: tuple[int, int]) -> SafeString:
    left, top = at
    known = isinstance(value, int | float)
    strength = min(1.0, abs(value)) if known else 0.0
    # Rounded first: −0.001 is shown as 0.00.
    figure = f"{round(value, 2) + 0.0:.2f}".replace("-", "−") if known else "–"
    shown = figure if side >= 40 else "−" if known and value <= -0.1 else ""
    rect = format_html(
        '<rect x="{}" y="{}" width="{}" height="{}" fill="currentColor" fill-opacity="{}"><title>{}</title></rect>',
        left, top, side - 1, side - 1, f"{0.04 + 0.8 * strength:.2f}", f"{pair}: {figure}",
    )  # fmt: skip
    if not shown:
        return rect
    kind = "figure strong" if strength > 0.45 else "figure"
    text = format_html(
        '<text class="{}" x="{}" y="{}" text-anchor="middle">{}</text>',
        kind, left + side // 2, top + side // 2 + 4, shown,
    )  # fmt: skip
    return rect + text


def _bars(data: Any) -> list[tuple[str, float]]:
    if isinstance(data, Mapping):
        names = [f"{compact(a)} – {compact(b)}" for a, b in pairwise(data.get("edges") or ())]
        return list(zip(names, _finite(data.get("counts") or ()), strict=False))
    return [(str(item["value"]), float(item["count"])) for item in data or ()]


def _sizes(share: float, slot: float, height: int) -> tuple[str, str, str]:
    """Return a bar's y, width and height; what is not empty stays visible."""
    tall = max(share * (height - 1), 1.0 if share else 0.0)
    return f"{height - tall:.2f}", f"{max(slot - (1 if slot > 3 else 0), 0.6):.2f}", f"{tall:.2f}"
