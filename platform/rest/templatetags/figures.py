"""Numbers, sizes and times as people read them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def compact(value: Any, digits: int = 4) -> str:
    """Return a number with `digits` significant digits and grouped thousands; a dash for none or not a number."""
    if value is None or value == "" or isinstance(value, bool):
        return "–" if value in (None, "") else str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if math.isnan(number):
        return "–"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    written = _written(abs(number), digits)
    return f"−{written}" if number < 0 else written


def _written(number: float, digits: int) -> str:
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    if abs(number) >= 1e15 or abs(number) < 1e-4:
        return f"{number:.{digits - 1}e}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(number))), 0)
    text = f"{number:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def filesize(value: Any) -> str:
    """Return bytes in decimal units (1 kB = 1000 B), as disks and networks count them."""
    try:
        size = float(value)
    except (TypeError, ValueError):
        return "–"
    power = min(int(math.log10(size) // 3), len(UNITS) - 1) if size >= 1 else 0
    return f"{size / 1000**power:.3g} {UNITS[power]}" if power else f"{int(size)} B"


def duration(value: Any) -> str:
    """Return seconds (or a timedelta) as 450 ms, 12.3 s, 4 min 05 s, 2 h 10 min."""
    if value is None or value == "":
        return "–"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 1:
        return _("%(n)s ms") % {"n": round(seconds * 1000)}
    if seconds < 60:
        return _("%(n)s s") % {"n": f"{seconds:.1f}".removesuffix(".0")}
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("%(m)s min %(s)s s") % {"m": minutes, "s": f"{rest:02d}"}
    return _("%(h)s h %(m)s min") % {"h": minutes // 60, "m": f"{minutes % 60:02d}"}


def ago(value: datetime) -> str:
    """Return how long ago (or how far ahead) a moment is, in its largest unit."""
    seconds = (timezone.now() - value).total_seconds()
    if abs(seconds) < 45:
        return _("just now")
    return (_("%(t)s ago") if seconds > 0 else _("in %(t)s")) % {"t": _span(abs(seconds))}


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 60:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = round(seconds / 3600)
    if hours < 36:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    days = round(seconds / 86400)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def moment(value: datetime) -> str:
    """Return the moment in the page's language and the server's zone, for a title beside `ago`."""
    return formats.date_format(timezone.localtime(value), "DATETIME_FORMAT")
