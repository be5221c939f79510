"""What kinds of job there are: each app declares its own in tasks.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from jobs.context import JobContext
    from jobs.models import Job

Run = Callable[["JobContext"], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Handler:
    """One kind of job: the code that does it and the limits it runs under."""

    kind: str
    run: Run
    title: str | Promise
    queue: str = "default"
    memory_mb: int = 4096
    cpu_seconds: int | None = None
    authorize: Callable[[Job], None] | None = None
    recheck: bool = False
    on_finish: Callable[[Job], None] | None = None
    priority: int = 1
    yields: bool = False
    counts: bool = True


_handlers: dict[str, Handler] = {}


def handler(
    kind: str,
    *,
    title: str | Promise,
    queue: str = "default",
    memory_mb: int = 4096,
    cpu_seconds: int | None = None,
    authorize: Callable[[Job], None] | None = None,
    recheck: bool = False,
    on_finish: Callable[[Job], None] | None = None,
    priority: int = 1,
    yields: bool = False,
    counts: bool = True,
) -> Callable[[Run], Run]:
    """Declare the decorated function as what does jobs of `kind`.

    `memory_mb` bounds the anonymous memory of the job's processes together, `cpu_seconds` their CPU time each.
    `authorize(job)` is asked again when the job starts and raises Refused; without it the job needs the role to
    create things in its department. `recheck` asks it every second while the job runs, too, and ends the job when the
    right is gone: for work on other departments' data. `on_finish(job)` runs inside the transaction that ends the job.
    `priority`: 0 for what people wait for, 2 for what takes long; within a department the lower goes first. `yields`: it
    follows "pause" and goes on exactly where it left, so it may be interrupted to let others have a turn. `counts`: it
    waits while its department's CPU quota is used up; not what the law, or another department's reader, waits for.
    """

    def declare(run: Run) -> Run:
        known = _handlers.get(kind)
        if known is not None and known.run.__module__ != run.__module__:
            raise ValueError(f"job kind {kind!r} is declared twice, in {known.run.__module__} and {run.__module__}")
        _handlers[kind] = Handler(
            kind, run, title, queue, memory_mb, cpu_seconds, authorize, recheck, on_finish, priority, yields, counts
        )
        return run

    return declare


def get_handler(kind: str) -> Handler:
    """Return the handler of that kind; KeyError names the known ones."""
    if kind not in _handlers:
        autodiscover_modules("tasks")
    try:
        return _handlers[kind]
    except KeyError:
        raise KeyError(f"unknown job kind {kind!r}; known are {', '.join(sorted(_handlers))}") from None


def kinds_that(trait: str) -> list[str]:
    """The kinds whose handler has a trait: "yields" or "counts"."""
    autodiscover_modules("tasks")
    return [kind for kind, found in _handlers.items() if getattr(found, trait)]


def kinds() -> dict[str, str]:
    """Return {kind: title} of all declared kinds."""
    autodiscover_modules("tasks")
    return {kind: str(found.title) for kind, found in sorted(_handlers.items())}
