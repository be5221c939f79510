"""What is counted, in which unit, over which time.

Apps above this one count: they register what is under way and not yet booked (`count_live`), and how the books are made
again from their rows (`recompute`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Live = Callable[[Collection[UUID]], Mapping[UUID, int]]
Recompute = Callable[[], Mapping[tuple[UUID, str], int]]


@dataclass(frozen=True, slots=True)
class Kind:
    """`limit` is the quota's field, counted in `unit`s of the ledger; `monthly` begins anew with each month (UTC)."""

    name: str
    label: str | Promise
    limit: str
    unit: int
    monthly: bool


KINDS = {
    kind.name: kind
    for kind in (
        Kind("cpu", _("CPU hours"), "cpu_hours", 3_600_000, True),
        Kind("storage", _("Storage"), "storage_bytes", 1, False),
        Kind("predictions", _("Predictions"), "predictions", 1, True),
    )
}
LIVE: dict[str, Live] = {}
RECOMPUTE: dict[str, Recompute] = {}


def count_live(kind: str, count: Live) -> None:
    """Have `count(departments)` added to what is booked: {department: amount}."""
    LIVE[kind] = count


def recompute(kind: str, make: Recompute) -> None:
    """Have `make()` give {(department, period): amount}, from the rows, for a recount."""
    RECOMPUTE[kind] = make


def period_of(kind: str, at: datetime | None = None) -> str:
    """The period in which something counts: the month in UTC, or "" for what is there now."""
    return f"{(at or timezone.now()).astimezone(UTC):%Y-%m}" if KINDS[kind].monthly else ""


def month_bounds(at: datetime | None = None) -> tuple[datetime, datetime]:
    """The first moments (UTC) of the month and of the next one."""
    begin = (at or timezone.now()).astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return begin, begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
