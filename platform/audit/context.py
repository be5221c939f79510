"""Who is acting and from where, known to whatever runs within one request or one job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True)
class Origin:
    """The person behind an act; all empty for the platform itself."""

    actor_id: UUID | None = None
    actor_name: str = ""
    token_id: UUID | None = None
    address: str = ""
    request_id: str = ""


_origin: ContextVar[Origin | None] = ContextVar("audit_origin", default=None)


def current() -> Origin:
    """The origin of what runs now."""
    return _origin.get() or Origin()


@contextmanager
def acting(origin: Origin) -> Iterator[Origin]:
    """Within the block, audit events are recorded as coming from `origin`."""
    mark = _origin.set(origin)
    try:
        yield origin
    finally:
        _origin.reset(mark)
