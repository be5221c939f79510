"""`{% load atrium_ui %}`: figures, small charts, states and form fields for every page. See docs/pages.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, RadioSelect, Select, SelectMultiple
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from plugins.params import Param

from . import charts, figures
from .looks import Look, look_of

register = template.Library()
register.filter("number", figures.compact)
register.filter("filesize", figures.filesize)
register.filter("duration", figures.duration)
register.filter("json", json.dumps)
register.simple_tag(charts.sparkline, name="sparkline")
register.simple_tag(charts.histogram, name="histogram")
register.simple_tag(charts.heatmap, name="heatmap")


@register.filter
def percent(value: Any, digits: int = 1) -> str:
    """Return a share of 1 as a percentage."""
    return "–" if value in (None, "") else f"{float(value) * 100:.{digits}f} %"


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """Return a <time> element that shows how long ago, with the exact moment as its title."""
    if not isinstance(value, datetime):
        return "–"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), figures.moment(value), figures.ago(value)
    )


@register.filter
def look(state: Any) -> Look:
    return look_of(str(state))


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """Return mapping[key], or None: templates cannot look up by a variable."""
    return mapping.get(key) if isinstance(mapping, Mapping) else None


@register.filter
def under(path: str, prefix: str) -> bool:
    """Whether a page's path lies at or below `prefix`."""
    return str(path).startswith(prefix)


@register.filter
def plain(value: Any) -> str:
    """Return a number as HTML attributes want it: a point, no grouping, whatever the page's language."""
    return f"{float(value):.12g}" if value not in (None, "") else ""


@register.filter
def initials(name: str) -> str:
    """Return at most two letters for an avatar."""
    words = str(name).replace(".", " ").replace("_", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def widget(field: BoundField) -> SafeString:
    """Return the form field's control with the frame's classes, its error state and its descriptions."""
    attrs: dict[str, str | bool] = {
        "class": f"{field.field.widget.attrs.get('class', '')} {_control_class(field)}".strip()
    }
    if field.errors:
        attrs |= {"class": f"{attrs['class']} is-invalid", "aria-invalid": "true"}
    described = [f"{field.auto_id}-help"] * bool(field.help_text) + [f"{field.auto_id}-error"] * bool(field.errors)
    return field.as_widget(attrs=attrs | ({"aria-describedby": " ".join(described)} if described else {}))


def _control_class(field: BoundField) -> str:
    kind = field.field.widget
    if isinstance(kind, RadioSelect):
        return "choices"
    if isinstance(kind, CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(kind, Select | SelectMultiple) else "form-control"


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


@register.inclusion_tag("partials/param_field.html")
def param_field(
    param: Param,
    value: Any = None,
    *,
    error: str = "",
    prefix: str = "",
    offered: Sequence[tuple[str, str]] = (),
    note: str = "",
    texts: Sequence[str] = (),
) -> dict[str, Any]:
    """Render a plug-in's declared parameter as a form field; `value` None shows its default; `note` stands before its help.

    The field's name is `prefix` + the parameter's name. A field with `when` is hidden until the other one fits.
    `offered` are the columns, or other things, to choose from: (value, what is shown beside it), `texts` suggestions for
    the texts of pairs.
    """
    shown = param.default if value is None else value
    return {
        "param": param,
        "name": prefix + param.name,
        "id": "id_" + (prefix + param.name).replace(".", "_"),
        "value": " ".join(map(str, shown)) if isinstance(shown, list | tuple) else ("" if shown is None else shown),
        "texts": texts,
        "offered": _offered(param, shown, offered),
        "pairs": [*shown.items(), ("", "")] if isinstance(shown, dict) else [("", "")],
        "checked": str(shown).lower() in {"true", "on", "1"},
        "choices": [(choice, choice.replace("_", " ")) for choice in param.choices],
        "title": gettext(param.title),
        "help": gettext(param.help),
        "bounds": _bounds(param),
        "error": error,
        "note": note,
        "when_name": prefix + param.when[0] if param.when else "",
        "when_values": " ".join(str(v).lower() for v in param.when[1]) if param.when else "",
    }


def _offered(param: Param, shown: Any, offered: Sequence[tuple[str, str]]) -> list[tuple[str, str, bool]]:
    """What may be chosen, and whether it is; something chosen that is offered no more stays, to be seen."""
    if param.kind not in ("column", "columns", "pairs", "names", "table"):
        return []
    several = param.kind in ("columns", "pairs", "names")
    chosen = list(shown or ()) if several else [shown] if shown else []
    known = [each for each, _ in offered]
    gone = [(name, "") for name in chosen if name not in known]
    return [(name, note, name in chosen) for name, note in [*offered, *gone]]


def _bounds(param: Param) -> str:
    """The range in words, beside the help."""
    words = {"low": figures.compact(param.low), "high": figures.compact(param.high)}
    if param.low is not None and param.high is not None:
        return gettext("From %(low)s to %(high)s.") % words
    if param.low is not None:
        return gettext("At least %(low)s.") % words
    return gettext("At most %(high)s.") % words if param.high is not None else ""
