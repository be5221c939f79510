"""The platform's web server as a real process, for tests of what only a network shows."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command

from accounts.services import create_token
from atrium.home import ensure_home
from tests.jobs.site import ROOT, connected, free_port, wait_until
from tests.people import make_departments, make_people


@dataclass
class Served:
    """Where the server is, and Alice's token."""

    home: Path
    port: int
    secret: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", "Tus-Resumable": "1.0.0"}

    def database(self) -> Any:
        """Within the block, this process reads the server's database."""
        return connected(f"sqlite:///{self.home / 'atrium.sqlite3'}")


@contextlib.contextmanager
def serving(home: Path, **variables: str) -> Iterator[Served]:
    """Within the block, uvicorn serves a platform of its own."""
    ensure_home(home)
    port = free_port()
    with connected(f"sqlite:///{home / 'atrium.sqlite3'}"):
        call_command("migrate", verbosity=0)
        alice = make_people(make_departments()).alice
        served = Served(home, port, create_token(person=alice, name="test", scopes=["read", "write"])[1])
    dropped = ("PYTEST", "ATRIUM", "REDIS", "DATABASE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    env = {**kept, "ATRIUM_HOME": str(home), "ATRIUM_SECRET_KEY": "of the tests", **variables}
    command = [sys.executable, "-m", "uvicorn", "atrium.asgi:application", "--app-dir", "platform"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--lifespan", "off", "--no-access-log"]
    with (home / "web.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        wait_until(lambda: _listens(port), 30, f"the web server; see {home / 'web.log'}")
        yield served
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
        return True
    return False
