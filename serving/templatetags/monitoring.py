"""`{% load monitoring %}`: a column's reference beside what was asked, and names of its groups."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from serving.monitoring.report import group_name
from serving.runtime.drift.compare import Drift

register = template.Library()
register.filter("group_name", group_name)
WIDTH, HEIGHT = 160, 36


@register.simple_tag
def two_histograms(drift: Drift, label: str = "") -> SafeString:
    """Bars of the live shares in front of outlines of the reference's, group by group."""
    top = max((max(a, b) for _name, a, b in drift.groups), default=0) or 1.0
    shown = [group for group in drift.groups if group[1] or group[2]]
    slot = WIDTH / max(1, len(shown))
    parts = []
    for place, (name, before, now) in enumerate(shown):
        words = f"{group_name(name)}: {before * 100:.1f} % → {now * 100:.1f} %"
        for kind, share, inset in (("was", before, 1.0), ("is", now, slot * 0.28)):
            tall = share / top * (HEIGHT - 2)
            x, width = place * slot + inset, max(slot - 2 * inset, 1.0)
            parts.append((kind, f"{x:.1f}", f"{HEIGHT - tall:.1f}", f"{width:.1f}", f"{tall:.1f}", words))
    bars = format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>', parts)
    return format_html(
        '<svg class="two-histograms" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{bars}</svg>',
        w=WIDTH, h=HEIGHT, label=label, bars=bars,
    )  # fmt: skip


@register.filter
def as_bars(buckets: list[tuple[int, int, int]]) -> dict[str, Any]:
    """Latency buckets as the histogram tag reads them, in milliseconds."""
    return {
        "edges": [low / 1000 for low, _high, _calls in buckets] + [high / 1000 for _low, high, _calls in buckets[-1:]],
        "counts": [calls for _low, _high, calls in buckets],
    }


@register.filter
def in_unit(value: float, unit: str) -> str:
    """A threshold as the form shows it."""
    return f"{value * 100 if unit == 'share' else value:.6g}"
