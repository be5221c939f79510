"""`{% load latency %}`: how long an answer took."""

from django import template

from rest.templatetags.figures import compact

register = template.Library()


@register.filter
def microseconds(value: int | None) -> str:
    """Return 480 µs, 2.31 ms, 1.2 s; a dash for none."""
    if value is None:
        return "–"
    if value < 1000:
        return f"{value} µs"
    return f"{compact(value / 1e3, 3)} ms" if value < 1e6 else f"{compact(value / 1e6, 3)} s"
