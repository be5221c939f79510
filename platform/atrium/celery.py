"""The Celery application: it carries (job id, attempt) messages and nothing else."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready, worker_shutting_down
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "atrium.settings")
TRANSPORT_ALIASES["folder"] = "jobs.folder_broker:Transport"
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "jobs.redis_broker:Transport"

app = Celery("atrium")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def load(**_kwargs: Any) -> None:
    """Before the pool is forked."""
    from jobs.worker import preload

    preload()


@worker_ready.connect
def look_around(sender: Any, **_kwargs: Any) -> None:
    """Say that this worker is here. What died with the last one need not wait for the next round of the reaper."""
    from jobs import workers
    from jobs.tasks import reap

    workers.arrive(slots=sender.controller.concurrency)

    reap.apply_async(retry=False)


@worker_shutting_down.connect
def put_back(**_kwargs: Any) -> None:
    """Running jobs go back to the queue; the next worker goes on from their checkpoints."""
    from jobs import workers
    from jobs.worker import shut_down

    shut_down()
    workers.depart()
