"""`manage.py up`: one command starts everything, keeps it running, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from accounts.people import create_person
from tests.jobs.site import ROOT, connected, copy_sqlite, free_port, wait_until

pytestmark = pytest.mark.workers


class Running:
    """A started `manage.py up` and what it printed."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port, self.out = home, port, home.parent / "out.txt"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "ATRIUM", "REDIS", "DATABASE"))}
        self.env = {
            **kept,
            "ATRIUM_HOME": str(home),
            "ATRIUM_PORT": str(port),
            "ATRIUM_JOB_PRELOAD": "",
            "ATRIUM_DEMO": "0",
        }

    def start(self) -> None:
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(self.command(), cwd=ROOT, env=self.env, stdout=out, stderr=out)
        wait_until(lambda: "Ctrl-C stops everything" in self.said(), 60, "the platform to be ready")

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "up"]

    def said(self) -> str:
        return self.out.read_text()

    def parts(self) -> dict[str, psutil.Process]:
        names = {"uvicorn": "web", "worker": "worker", "beat": "beat"}
        children = psutil.Process(self.process.pid).children()
        return {name: child for child in children for word, name in names.items() if word in child.cmdline()}

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def refused(self, **env: str) -> str:
        done = subprocess.run(
            self.command(), check=False, cwd=ROOT, env={**self.env, **env}, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    def answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/livez", timeout=2):
            return True
        return False


@pytest.fixture
def up(tmp_path: Path, migrated: Callable[[bool], str], django_db_blocker: Any) -> Iterator[Running]:
    """A started platform without sample people, and one platform admin."""
    running = Running(tmp_path / "home", free_port())
    running.home.mkdir()
    with django_db_blocker.unblock(), connected(copy_sqlite(migrated(False), running.home)):
        create_person(username="root", full_name="R", is_platform_admin=True)
    running.start()
    yield running
    left = running.family() if running.process.poll() is None else []
    for process in [running.process, *left]:
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            process.kill()
    running.process.wait()


def gone(processes: list[psutil.Process], within: float) -> None:
    wait_until(lambda: not [each for each in processes if each.is_running()], within, "every process to end")


def test_it_runs_refuses_a_second_start_revives_and_stops(up: Running, tmp_path: Path) -> None:
    assert set(up.parts()) == {"web", "worker", "beat"}
    link = re.search(r"root +platform admin +(http://\S+)", up.said())
    assert link
    with urllib.request.urlopen(link[1], timeout=10) as page:
        assert page.status == 200
    assert "Atrium runs already on" in up.refused()
    other = tmp_path / "other"
    other.mkdir()
    assert f"Port {up.port} is taken" in up.refused(ATRIUM_HOME=str(other))
    assert "Redis does not answer at 127.0.0.1:1" in up.refused(
        ATRIUM_HOME=str(other), ATRIUM_PORT=str(free_port()), REDIS_URL="redis://127.0.0.1:1/0"
    )
    for name, part in up.parts().items():
        part.kill()
        fresh: Any = wait_until(lambda name=name, old=part.pid: other_than(up, name, old), 10, f"{name} to come back")
        assert fresh.is_running()
    wait_until(up.answers, 20, "the web server to answer again")
    family = up.family()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(10) == 0
    gone(family, 1)
    assert "Everything is kept" in up.said()


def other_than(up: Running, name: str, old: int) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        part = up.parts().get(name)
        return part if part is not None and part.pid != old else None
    return None


def test_a_killed_supervisor_takes_its_processes_with_it(up: Running) -> None:
    family = up.family()
    up.process.kill()
    up.process.wait()
    gone(family, 10)
    up.start()
    assert up.answers()
