"""`{% load training_ui %}`: what training's words are called on pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from training.engine.family import FAMILIES

register = template.Library()


@register.filter
def family_label(name: str) -> str:
    """Return a family's label; a family that is no longer installed keeps its name."""
    return gettext(FAMILIES[name].label) if name in FAMILIES else name


@register.simple_tag
def whisker(entry: dict[str, Any], scale: tuple[float, float]) -> SafeString | str:
    """Return a score as a dot within its 95 % interval, on a scale that all rows of a table share."""
    low, high = scale
    if not high > low:
        return ""
    at = [f"{2 + 92 * (float(entry[name]) - low) / (high - low):.1f}" for name in ("low", "high", "validation")]
    return format_html(
        '<svg class="whisker" width="96" height="14" aria-hidden="true"><line x1="{}" x2="{}" y1="7" y2="7"/>'
        '<circle cx="{}" cy="7" r="3"/></svg>',
        *at,
    )


@register.simple_tag
def share_bar(share: float | None) -> SafeString | str:
    """Return a share of 1 as a bar with its percentage."""
    if share is None:
        return ""
    return format_html(
        '<svg class="share-bar" width="48" height="8" aria-hidden="true"><rect class="all" width="48" height="8" rx="2"/>'
        '<rect width="{}" height="8" rx="2"/></svg> {}',
        f"{48 * share:.1f}",
        f"{100 * share:.0f} %",
    )
