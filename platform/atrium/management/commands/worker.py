"""`manage.py worker`: one worker process, whose pool does as many jobs at once as there are cores."""

import os
import shutil
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

# One thread a job: jobs side by side that each take all cores run tens of times slower (docs/design.md, decision 13).
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "NUMEXPR_NUM_THREADS")


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_queues() -> str:
    """Everything that this machine can do; the driver's tool shows a GPU without loading the driver before a fork."""
    return "default,training,gpu" if shutil.which("nvidia-smi") else "default,training"


class Command(BaseCommand):
    help = "Do jobs: one worker process with a pool."
    # Pages and routes are the web server's; a worker starts without reading them.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queues", default=default_queues(), help="comma-separated (default %(default)s)")
        parser.add_argument("--concurrency", type=int, default=cores(), help="jobs at once (default: cores)")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ONE_THREAD:
            os.environ[name] = "1"
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        from atrium.celery import app

        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        slots = f"--concurrency={max(1, options['concurrency'])}"
        app.worker_main(["worker", "--pool=prefork", slots, f"--queues={options['queues']}", "--loglevel=INFO", *quiet])
