"""The reliability diagram, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
SIDE, EDGE = 240, 34


@register.simple_tag
def reliability_diagram(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], label: str, said: str, came: str
) -> SafeString:
    """What was said (across) against what came true (up): squares before calibration, filled circles after."""
    frame = format_html(
        '<rect x="{e}" y="4" width="{s}" height="{s}" class="plane"/>'
        '<line x1="{e}" y1="{b}" x2="{r}" y2="4" class="ideal"/>'
        '<text x="{e}" y="{t}">0</text><text x="{r}" y="{t}" text-anchor="end">1</text>'
        '<text x="{n}" y="{b}" text-anchor="end">0</text><text x="{n}" y="13" text-anchor="end">1</text>'
        '<text x="{m}" y="{t}" text-anchor="middle">{said}</text>'
        '<text transform="translate(12 {u}) rotate(-90)" text-anchor="middle">{came}</text>',
        e=EDGE, s=SIDE, b=SIDE + 4, r=EDGE + SIDE, t=SIDE + 20, n=EDGE - 5, m=EDGE + SIDE // 2, u=4 + SIDE // 2,
        said=said, came=came,
    )  # fmt: skip
    squares = format_html_join(
        "", '<rect x="{}" y="{}" width="7" height="7" class="raw"><title>{}</title></rect>',
        [(f"{x - 3.5:.1f}", f"{y - 3.5:.1f}", title) for x, y, title in map(_point, before)],
    )  # fmt: skip
    circles = format_html_join(
        "", '<circle cx="{}" cy="{}" r="4" class="calibrated"><title>{}</title></circle>',
        [(f"{x:.1f}", f"{y:.1f}", title) for x, y, title in map(_point, after)],
    )  # fmt: skip
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _title in map(_point, after))
    return format_html(
        '<svg class="reliability" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{frame}'
        '<polyline points="{line}" class="calibrated-line"/>{squares}{circles}</svg>',
        w=EDGE + SIDE + 6, h=SIDE + 26, label=label, frame=frame, line=line, squares=squares, circles=circles,
    )  # fmt: skip


def _point(bin_: Mapping[str, Any]) -> tuple[float, float, str]:
    title = f"{bin_['said']:.3f} → {bin_['came']:.3f} ({bin_['rows']:,})"
    return EDGE + SIDE * bin_["said"], 4 + SIDE * (1 - bin_["came"]), title
