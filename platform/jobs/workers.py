"""Which workers there are: each says so when it comes, and its pool whenever it does something."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import timedelta

from celery import current_app
from django.db import connections
from django.utils import timezone

from jobs.models import Worker
from jobs.worker import has_died, place, worker_name

# A worker is seen at least whenever the reaper's round comes to it, or a job of its renews its lease.
SEEN_WITHIN = timedelta(minutes=3)
FORGOTTEN_AFTER = timedelta(days=1)


def own_queues() -> list[str]:
    """The queues that this worker serves."""
    return list(current_app.amqp.queues.consume_from)


def arrive(*, slots: int) -> None:
    """In the worker's main process, once it can do `slots` jobs at once."""
    values = {"queues": own_queues(), "slots": slots, "seen_at": timezone.now()}
    Worker.objects.update_or_create(name=worker_name(), defaults=values)
    for each in Worker.objects.all():
        if has_died(each.name) or each.seen_at < timezone.now() - FORGOTTEN_AFTER:
            each.delete()
    connections.close_all()


def depart() -> None:
    Worker.objects.filter(name=worker_name()).delete()


def seen() -> None:
    """From a process of the pool: its worker lives."""
    Worker.objects.filter(name=f"{place()}:{os.getppid()}").update(seen_at=timezone.now())


def slots(queues: Collection[str] | None = None) -> int:
    """How many jobs of these queues (default: of any) the workers that live can do at once."""
    since = timezone.now() - SEEN_WITHIN
    living = [each for each in Worker.objects.filter(seen_at__gte=since) if not has_died(each.name)]
    return sum(each.slots for each in living if queues is None or set(queues) & set(each.queues))
