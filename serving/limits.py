"""How many predict requests a person may send in a minute: counted here, in blocks that are leased from the shared cache.

A window is a minute of the clock (UTC). A process takes a block of the window's requests from the cache, which all
processes share, and counts it down by itself: a request costs nothing there, and together the processes give out no more
than the limit. What a process does not use of its last block in a window is lost to the others.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from rest.problems import Refused

WINDOW = 60
BLOCKS = 50  # in which a limit is given out


@dataclass(slots=True)
class _Lease:
    window: int
    left: int
    over: bool = False


_leases: dict[str, _Lease] = {}


class TooMany(Refused):
    """The person has sent all requests of this minute."""

    def __init__(self, limit: int, wait: int) -> None:
        detail = _(
            "You may send %(limit)s predict requests a minute. Wait %(wait)s seconds, or send more instances in one."
        )
        super().__init__("throttled", detail % {"limit": f"{limit:,}", "wait": wait}, status=429)
        self.retry_after = wait


def require(person: str) -> None:
    """Count one request of the person. Raises TooMany."""
    taken = take(person)
    if taken is None:
        lease(person)
        taken = take(person)
    if not taken:
        raise refusal()


def take(person: str) -> bool | None:
    """Whether one more request may pass, which is counted. None where nothing is leased: then `lease`. Asks nobody."""
    if not settings.PREDICTION_RATE_LIMIT:
        return True
    found = _leases.get(person)
    if found is None or found.window != int(time.time()) // WINDOW:
        return None
    if found.left:
        found.left -= 1
        return True
    return False if found.over else None


def lease(person: str) -> None:
    """Take a block of this window's requests from the shared cache, as far as there are any."""
    limit, window = settings.PREDICTION_RATE_LIMIT, int(time.time()) // WINDOW
    block, key = max(1, limit // BLOCKS), f"predictions:rate:{person}:{window}"
    cache.add(key, 0, timeout=2 * WINDOW)
    given = cache.incr(key, block)
    left = min(block, limit - (given - block))
    if len(_leases) > 10_000:  # people of earlier windows
        _leases.clear()
    _leases[person] = _Lease(window, max(0, left), over=left <= 0)


def refusal() -> TooMany:
    return TooMany(settings.PREDICTION_RATE_LIMIT, WINDOW - int(time.time()) % WINDOW)
