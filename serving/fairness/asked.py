"""What was asked of the fairness page or route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from rest.problems import invalid


def read(params: Mapping[str, Any]) -> dict[str, Any]:
    """`by`, `threshold` and `positive` from query parameters. Raises Refused (422)."""
    by, positive = (str(params.get(name, "")).replace("\x00", "")[:200] for name in ("by", "positive"))
    text = str(params.get("threshold", "")).strip()
    try:
        threshold = float(text) if text else None
    except ValueError:
        threshold = float("nan")
    if threshold is not None and not 0 <= threshold <= 1:
        raise invalid("threshold", _("expected a probability from 0 to 1"))
    return {"by": by, "threshold": threshold, "positive": positive}
