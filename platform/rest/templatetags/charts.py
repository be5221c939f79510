"""Small charts as inline SVG: attributes only, so that they pass a content security policy without inline styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .figures import compact


def _finite(values: Sequence[Any]) -> list[float]:
    return [float(v) for v in values if isinstance(v, int | float) and v == v and abs(v) != float("inf")]


def sparkline(values: Sequence[Any], label: str = "", width: int = 96, height: int = 24) -> SafeString:
    """Return a line over `values`, left to right; fewer than two numbers give an empty chart."""
    numbers = _finite(values or ())
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 0.0)
    span, last = (high - low) or 1.0, max(len(numbers) - 1, 1)
    points = " ".join(
        f"{2 + i * (width - 4) / last:.1f},{height - 3 - (v - low) / span * (height - 6):.1f}"
        for i, v in enumerate(numbers)
    )
    return format_html(
        '<svg class="spark" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>',
        w=width, h=height, label=label, points=points if len(numbers) > 1 else "",
    )  # fmt: skip


def histogram(data: Any, label: str = "", width: int = 120, height: int = 32) -> SafeString:
    """Return bars for a profile's {"edges": [n+1], "counts": [n]}, or for its top values [{"value", "count"}]."""
    bars = _bars(data)
    top, slot = max((count for _, count in bars), default=0) or 1, width / max(len(bars), 1)
    rects = format_html_join(
        "", '<rect x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        [_rect(i, name, count, top, slot, height) for i, (name, count) in enumerate(bars)],
    )  # fmt: skip
    return format_html(
        '<svg class="histogram" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{rects}</svg>',
        w=width, h=height, label=label, rects=rects,
    )  # fmt: skip


def _bars(data: Any) -> list[tuple[str, float]]:
    if isinstance(data, Mapping):
        edges, counts = list(data.get("edges") or ()), _finite(data.get("counts") or ())
        names = [f"{compact(a)} – {compact(b)}" for a, b in zip(edges, edges[1:], strict=False)]
        return list(zip(names, counts, strict=False))
    return [(str(item["value"]), float(item["count"])) for item in data or ()]


def _rect(i: int, name: str, count: float, top: float, slot: float, height: int) -> tuple[str, str, str, str, str, str]:
    tall = max(count / top * (height - 1), 1.0 if count else 0.0)
    gap = 1 if slot > 3 else 0
    return (
        f"{i * slot:.2f}",
        f"{height - tall:.2f}",
        f"{max(slot - gap, 0.6):.2f}",
        f"{tall:.2f}",
        name,
        f"{count:,.0f}",
    )
