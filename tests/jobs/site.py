"""A platform of real processes: its own folder, database and broker, with workers and a beat that tests may kill."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environ
from django.core.management import call_command
from django.db import connections
from django.db.utils import load_backend
from kombu import pools

from accounts.models import User
from audit.models import AuditEvent
from departments.access import actor_for
from departments.models import Department, Membership, Role
from jobs.models import FINISHED, Job
from jobs.services import enqueue

ROOT = Path(__file__).resolve().parents[2]
LEASE = 2.0


def wait_until(condition: Callable[[], Any], timeout: float, what: str) -> Any:
    """Return the condition's first true value; fail when there is none in time."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout:.0f} s in vain for {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def connected(database_url: str) -> Iterator[None]:
    """Within the block the models of this process read and write that database."""
    config = {**connections["default"].settings_dict, **environ.Env.db_url_config(database_url)}
    if config["ENGINE"].endswith("sqlite3"):
        from atrium.settings import SQLITE_OPTIONS

        config["OPTIONS"] = SQLITE_OPTIONS
    else:
        config["OPTIONS"] = {}
    before = connections["default"]
    connections["default"] = load_backend(config["ENGINE"]).DatabaseWrapper(config, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = before


@dataclass
class Redis:
    """A Redis server of the test's own, with its memory on disk, as a careful operator runs it."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        keep = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        command = ["redis-server", "--port", str(self.port), "--dir", str(self.folder), "--bind", "127.0.0.1", *keep]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self._answers, 10, "Redis")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
            return True
        return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Site:
    """The processes of one test, and what to ask of them."""

    home: Path
    database_url: str
    redis: Redis | None = None
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "ATRIUM", "REDIS"))}
        own = {
            "ATRIUM_HOME": str(self.home),
            "DATABASE_URL": self.database_url,
            "ATRIUM_SECRET_KEY": "of the tests",
            "ATRIUM_JOB_LEASE": str(LEASE),
            "ATRIUM_JOB_HEARTBEAT": "0.4",
            "ATRIUM_JOB_REAP_EVERY": "1",
            "ATRIUM_JOB_RING_AGAIN_AFTER": "3",
            "ATRIUM_JOB_PRELOAD": "",
            "ATRIUM_JOB_YIELD_AFTER": "0.5",
            "ATRIUM_JOB_TURN": "2",
            "DJANGO_SETTINGS_MODULE": "tests.jobs.worker_settings",
        }
        return kept | own | ({"REDIS_URL": self.redis.url} if self.redis else {})

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a management command in a session of its own; its output goes to a file in the home."""
        with (self.home / f"{command[0]}-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self, concurrency: int = 2) -> subprocess.Popen[bytes]:
        return self.start("worker", f"--concurrency={concurrency}")

    def beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat")

    def stop(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self.redis:
            self.redis.kill()

    def furnish(self) -> None:
        """Alice, analyst of Credit Risk, and Charlie, analyst of Retail."""
        self.department = Department.objects.create(slug="credit-risk", name="Credit Risk")
        self.retail = Department.objects.create(slug="retail", name="Retail")
        self.alice, self.charlie = (User.objects.create(username=name) for name in ("alice", "charlie"))
        for person, department in ((self.alice, self.department), (self.charlie, self.retail)):
            Membership.objects.create(department=department, person=person, role=Role.ANALYST)

    def queue(self, kind: str, **payload: Any) -> Job:
        """Queue a job as Alice."""
        return enqueue(kind, actor=actor_for(self.alice), department=self.department, payload=payload)

    def queue_for_retail(self, kind: str, **payload: Any) -> Job:
        """Queue a job as Charlie."""
        return enqueue(kind, actor=actor_for(self.charlie), department=self.retail, payload=payload)

    def wait(self, *jobs: Job, timeout: float = 30, states: tuple[str, ...] = FINISHED) -> list[Job]:
        """Wait until all the jobs are in one of the states; return their rows."""
        found = {"state__in": states, "pk__in": [job.pk for job in jobs]}
        what = f"{[job.pk for job in jobs]} to be {states}"
        wait_until(lambda: Job.objects.filter(**found).count() == len(jobs), timeout, what)
        return [Job.objects.get(pk=job.pk) for job in jobs]

    def at_once(self, act: Callable[[], Any], times: int) -> list[Any]:
        """Do `act` in as many threads at once, each with a database connection of its own."""
        gate = threading.Barrier(times)

        def one() -> Any:
            with connected(self.database_url):
                gate.wait()
                return act()

        with ThreadPoolExecutor(times) as threads:
            return [done.result() for done in [threads.submit(one) for _each in range(times)]]

    def effects(self) -> Counter[str]:
        """How often each job took effect."""
        return Counter(AuditEvent.objects.filter(verb="test.effect").values_list("object_id", flat=True))

    def logs(self) -> str:
        return "\n".join(f"== {file.name}\n{file.read_text()[-20000:]}" for file in sorted(self.home.glob("*.log")))


def migrate(url: str) -> None:
    with connected(url):
        call_command("migrate", verbosity=0)


def copy_sqlite(template_url: str, home: Path) -> str:
    shutil.copy(template_url.removeprefix("sqlite:///"), home / "atrium.sqlite3")
    return f"sqlite:///{home / 'atrium.sqlite3'}"


@contextlib.contextmanager
def sending(platform: Site) -> Iterator[None]:
    """Within the block this process sends its messages to the platform's broker."""
    from atrium.celery import app

    before = app.conf.broker_url, app.conf.broker_transport_options
    queue = str(platform.home / "broker" / "queue")
    folder = {
        "data_folder_in": queue,
        "data_folder_out": queue,
        "control_folder": str(platform.home / "broker" / "control"),
    }
    options = {"socket_connect_timeout": 1} if platform.redis else folder
    _send_to(app, platform.redis.url if platform.redis else "folder://localhost", options)
    try:
        yield
    finally:
        _send_to(app, *before)


def _send_to(app: Any, url: str, options: dict[str, Any]) -> None:
    app.conf.update(broker_url=url, broker_write_url=url, broker_read_url=url, broker_transport_options=options)
    pools.reset()
    app._after_fork()
