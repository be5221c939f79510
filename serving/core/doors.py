"""Who may ask which deployment, and what answers there: remembered, and asked again before it can grow old.

What the database said is used for at most FRESH seconds from the moment it was asked. What is in use is asked again
every EVERY seconds, all of it in one pass in a thread; a request that finds nothing fresh waits for an answer of the
database. So what is taken back (a token, a role, a grant, a model) is refused within FRESH seconds, and where the
database does not answer, nothing is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from django.db import Error as DatabaseFault
from django.db import close_old_connections
from django.utils.translation import gettext as _

from rest.problems import Refused
from serving import snapshots
from serving.core.verifying import Admitted, Key, Verified, unknown_token, verify
from serving.models import Deployment
from serving.predicting import Caller
from serving.runtime.answering import Snapshot

FRESH = 1.0
EVERY = 0.3
KEPT = 10.0  # what nobody used for so long is forgotten
PATIENCE = 3.0  # how long a request waits for the database
RETRY = 5.0  # how long files that cannot be used are left alone
_log = logging.getLogger("serving.core")


class Place:
    """One deployment in this process. `snapshot` is replaced as a whole; `closed` says why nothing answers."""

    __slots__ = ("closed", "loading", "mark", "retry", "snapshot")

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.closed: Refused | None = None
        self.mark: tuple[Any, ...] = ()
        self.loading: asyncio.Future[None] | None = None
        self.retry = 0.0


class Door:
    """One token before one deployment: it was let in at `verified`, by the monotonic clock."""

    __slots__ = ("admitted", "callers", "person", "place", "used", "verified")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.admitted: Admitted | None = None
        self.person = ""
        self.callers: dict[str, Caller] = {}
        self.verified = self.used = 0.0

    def let_in(self, admitted: Admitted, at: float) -> None:
        before = self.admitted
        if before is None or (before.rule, before.token) != (admitted.rule, admitted.token):
            self.callers = {}
        self.admitted, self.person, self.verified = admitted, str(admitted.actor.person_id), at

    def caller(self, address: str) -> Caller:
        found = self.callers.get(address)
        if found is None:
            assert self.admitted is not None
            if len(self.callers) > 1000:
                self.callers.clear()
            actor = self.admitted.actor
            found = self.callers[address] = Caller(
                str(actor.person_id), actor.username, str(self.admitted.token), address[:45], self.admitted.rule
            )
        return found


class Doors:
    """All doors of this process. Everything but the threads' work happens on the event loop."""

    def __init__(self) -> None:
        self._doors: dict[Key, Door] = {}
        self._places: dict[str, Place] = {}
        self._waiting: dict[Key, asyncio.Future[Door]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._database = ThreadPoolExecutor(1, thread_name_prefix="core-database")
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="core-loader")

    def find(self, key: Key) -> Door | None:
        """The door, if what is known of it is fresh."""
        door = self._doors.get(key)
        if door is None:
            return None
        now = time.monotonic()
        if now - door.verified >= FRESH:
            return None
        door.used = now
        return door

    async def ask(self, digest: str | None, name: str) -> Door:
        """The door, after the database said that it is open. Raises what refuses the caller, or 503."""
        if digest is None:
            raise unknown_token()
        waiting = self._waiting.get((digest, name))
        if waiting is None:
            waiting = self._waiting[digest, name] = asyncio.get_running_loop().create_future()
            # Whoever asked may hang up; the refusal is then nobody's.
            waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_waiting())
        try:
            door = await asyncio.wait_for(asyncio.shield(waiting), PATIENCE)
        except TimeoutError:
            raise unavailable() from None
        door.used = time.monotonic()
        return door

    async def snapshot(self, door: Door) -> Snapshot:
        """What answers behind the door; waits for it to be loaded. Raises Refused."""
        place = door.place
        while place.closed is None and place.snapshot is None and place.loading is not None:
            await asyncio.shield(place.loading)
        if place.closed is not None:
            # Raised again and again, it would otherwise gather the traces of all that met it.
            raise place.closed.with_traceback(None)
        if place.snapshot is None:
            raise unavailable()
        return place.snapshot

    async def _ask_waiting(self) -> None:
        """Ask for all that wait, in one pass; who comes meanwhile is in the next."""
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            try:
                verified = await self._verify(list(waiting))
            except Exception as error:
                _fail(waiting, error)
                continue
            self._take_in(verified)
            for key, future in waiting.items():
                found = verified.found[key]
                if future.done():
                    continue
                if isinstance(found, Exception):
                    future.set_exception(found)
                else:
                    future.set_result(self._doors[key])
            if self._keeping is None or self._keeping.done():
                self._keeping = asyncio.create_task(self._keep_fresh())

    async def _keep_fresh(self) -> None:
        """Ask again for what is in use, until nothing is."""
        while self._doors:
            await asyncio.sleep(EVERY)
            self._forget_unused()
            try:
                self._take_in(await self._verify(list(self._doors)))
            except Exception:  # what is not asked grows old, and is not used
                _log.warning("the database does not say who may predict", exc_info=True)

    def _forget_unused(self) -> None:
        oldest = time.monotonic() - KEPT
        self._doors = {key: door for key, door in self._doors.items() if door.used >= oldest}
        used = {name for _digest, name in self._doors}
        self._places = {name: place for name, place in self._places.items() if name in used}

    async def _verify(self, keys: list[Key]) -> Verified:
        return await asyncio.get_running_loop().run_in_executor(self._database, verify, keys)

    def _take_in(self, verified: Verified) -> None:
        for name, (row, mark, closed) in verified.rows.items():
            self._update(self._places.setdefault(name, Place()), row, mark, closed)
        for key, found in verified.found.items():
            if isinstance(found, Admitted):
                place = self._places[key[1]]
                door = self._doors.get(key)
                if door is None or door.place is not place:
                    door = self._doors[key] = Door(place)
                    door.used = time.monotonic()
                door.let_in(found, verified.at)
            else:
                self._doors.pop(key, None)

    def _update(self, place: Place, row: Deployment, mark: tuple[Any, ...], closed: Refused | None) -> None:
        """What closes a deployment holds at once; what it answers with goes on until the next is loaded."""
        was_closed, changed = place.closed, place.mark != mark
        if closed is not None:
            place.closed, place.snapshot, place.mark, place.loading = closed, None, mark, None
        elif place.loading is not None:
            return  # it is looked at again in the next pass
        elif changed or (was_closed is not None and time.monotonic() >= place.retry):
            place.closed = None if changed else was_closed
            place.loading = asyncio.ensure_future(self._load(place, row, mark))

    async def _load(self, place: Place, row: Deployment, mark: tuple[Any, ...]) -> None:
        closed, snapshot = None, None
        try:
            snapshot = await asyncio.get_running_loop().run_in_executor(self._loader, load, row)
        except Refused as refused:
            closed = refused
        except Exception:
            _log.exception("“%s” could not be loaded", row.name)
            closed = unavailable()
        if place.loading is not asyncio.current_task():
            return  # closed meanwhile
        place.loading, place.mark, place.retry = None, mark, time.monotonic() + RETRY
        place.closed, place.snapshot = closed, snapshot

    def close(self) -> None:
        """Stop asking and loading."""
        for task in (self._asking, self._keeping):
            if task is not None:
                task.cancel()
        self._database.shutdown(wait=False, cancel_futures=True)
        self._loader.shutdown(wait=False, cancel_futures=True)


def load(row: Deployment) -> Snapshot:
    """Build a deployment's snapshot and warm it. Raises Refused."""
    close_old_connections()
    snapshot = snapshots.build(row)
    snapshots.warm(snapshot)
    return snapshot


def unavailable() -> Refused:
    detail = _("The platform cannot check now who may ask this, so nothing is answered. Try again in a moment.")
    refused = Refused("unavailable", detail, status=503)
    refused.retry_after = 1
    return refused


def _fail(waiting: dict[Key, asyncio.Future[Door]], error: Exception) -> None:
    if not isinstance(error, DatabaseFault):
        _log.exception("who may predict could not be asked", exc_info=error)
    for future in waiting.values():
        with suppress(asyncio.InvalidStateError):
            future.set_exception(unavailable())
