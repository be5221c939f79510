"""When a data set is refreshed next."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets.sources.models import Feed

# After the n-th failure in a row, at least this many minutes pass; then the next regular time counts.
_BACK_OFF = (5, 15, 60, 240, 720)
GIVE_UP = 8


def next_time(feed: Feed, now: datetime) -> datetime | None:
    """The first regular moment after `now`; None where the feed is refreshed only when asked. Times of day are UTC."""
    if feed.every == "interval":
        return now + timedelta(minutes=feed.minutes)
    if feed.every not in {"day", "week"}:
        return None
    at = datetime.combine(now.date(), feed.at or time(), tzinfo=now.tzinfo)
    if feed.every == "week":
        at += timedelta(days=(feed.weekday - at.weekday()) % 7)
    step = timedelta(days=7 if feed.every == "week" else 1)
    return at if at > now else at + step


def after_failure(feed: Feed, now: datetime) -> datetime | None:
    """A regular moment again, but not sooner than the failures so far call for, and sooner than a far regular one."""
    regular = next_time(feed, now)
    if regular is None:
        return None
    wait = now + timedelta(minutes=_BACK_OFF[min(feed.failures, len(_BACK_OFF)) - 1])
    return max(wait, regular) if feed.every == "interval" else min(wait, regular)
