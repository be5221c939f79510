"""Amounts and times as people read them."""

from __future__ import annotations

from datetime import datetime

from django.utils import formats

from departments.quotas.kinds import KINDS
from rest.templatetags.figures import filesize


def figure(kind: str, amount: float) -> str:
    """An amount of the ledger, in the unit of its limit."""
    if kind == "storage":
        return str(filesize(amount))
    value = amount / KINDS[kind].unit
    return f"{value:,.0f}" if kind == "predictions" or value >= 100 else f"{value:,.2f}".rstrip("0").rstrip(".")


def day(moment: datetime) -> str:
    """A day, in the reader's language."""
    return formats.date_format(moment, "j F Y")


def month(moment: datetime) -> str:
    """A month with its year, in the reader's language."""
    return formats.date_format(moment, "F Y")
