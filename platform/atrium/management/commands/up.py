"""`manage.py up`: the whole platform under one supervisor: web server, worker and beat."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.urls import reverse

from accounts.models import User
from accounts.services import create_sign_in_link
from atrium.management.commands.worker import ONE_THREAD
from atrium.samples.people import PEOPLE
from atrium.supervisor import CannotStart, Part, Supervisor, check_port, take_home

READY_WITHIN = 60.0


class Command(BaseCommand):
    help = "Start the platform: migrate, seed on the first start, then run web server, worker and beat until Ctrl-C."
    # The migration checks the database; the checks of everything else run in the processes that need it.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            lock = take_home(settings.HOME)
            check_port(settings.PORT)
            check_redis(settings.REDIS_URL)
            self.prepare()
        except CannotStart as error:
            raise CommandError(str(error)) from None
        supervisor = Supervisor(parts(), settings.HOME / "logs", environment(), settings.BASE_DIR, self.say)
        supervisor.run(lambda: self.greet(supervisor))
        self.say("Atrium has stopped. Everything is kept; start it again to go on.")
        os.close(lock)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def prepare(self) -> None:
        """Bring the database up to date and, on a first start, fill it with the samples."""
        self.say("Preparing the database …")
        self.do("migrate", "--noinput", "--verbosity=0")
        self.do("seed" if settings.DEMO else "first_admin")

    def do(self, *command: str) -> None:
        """Run a management command in a process of its own, so that what it loads does not stay here."""
        done = subprocess.run(manage(*command), cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
        if done.returncode:
            (settings.HOME / "logs" / f"{command[0]}.log").write_text(done.stdout + done.stderr)
            last = (done.stderr.strip().splitlines() or ["no output"])[-1]
            raise CannotStart(
                f"manage.py {command[0]} failed: {last} (details in {settings.HOME}/logs/{command[0]}.log)"
            )

    def greet(self, supervisor: Supervisor) -> None:
        """Once the web server answers, print where it is and how to get in."""
        url = f"http://127.0.0.1:{settings.PORT}"
        if not wait_for(f"{url}/readyz", supervisor):
            if not supervisor.stopping:
                self.say(f"The web server does not answer yet; see {supervisor.logs / 'web.log'}")
            return
        self.say(f"\nAtrium is ready at {url}\n")
        self.print_links(url)
        self.say(f"\nLogs are in {supervisor.logs}. Ctrl-C stops everything.")

    def print_links(self, url: str) -> None:
        people = list(people_to_greet())
        if people:
            self.say("Sign in with a link; each works once, within a day:")
        for person in people:
            path = reverse("accounts:sign-in-link", args=[create_sign_in_link(person=person)])
            self.say(f"  {person.username:<9} {about(person):<28} {url}{path}")
        connections.close_all()


def people_to_greet() -> list[User]:
    """The sample people; on a platform without them, the first platform admin until they have signed in."""
    names = [name for name, *_rest in PEOPLE] if settings.DEMO else []
    found = {person.username: person for person in User.objects.filter(username__in=names, is_active=True)}
    if found:
        return [found[name] for name in names if name in found]
    return list(
        User.objects.filter(is_platform_admin=True, is_active=True, last_login=None).order_by("date_joined")[:1]
    )


def about(person: User) -> str:
    """ "analyst, Credit Risk"."""
    roles = [f"{member.role}, {member.department}" for member in person.memberships.select_related("department")]
    return "; ".join(roles) or ("platform admin" if person.is_platform_admin else "no department")


def manage(*command: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *command]


def parts() -> list[Part]:
    """What makes up the platform on one machine."""
    web = [sys.executable, "-m", "uvicorn", "atrium.asgi:application", "--app-dir", "platform", "--host", "127.0.0.1"]
    # Live pages hold their connections open: they are not waited for.
    web += ["--port", str(settings.PORT), "--lifespan", "off", "--no-access-log", "--timeout-graceful-shutdown", "2"]
    return [Part("web", web), Part("worker", manage("worker")), Part("beat", manage("beat"))]


def environment() -> dict[str, str]:
    paths = [str(settings.BASE_DIR / "platform"), str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
    own = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), **own}


def check_redis(url: str) -> None:
    if not url:
        return
    try:
        redis.Redis.from_url(url, socket_connect_timeout=3).ping()
    except (redis.RedisError, OSError, ValueError):
        where = urlsplit(url)
        raise CannotStart(
            f"Redis does not answer at {where.hostname}:{where.port or 6379}. Start it, or correct REDIS_URL."
        ) from None


def wait_for(url: str, supervisor: Supervisor) -> bool:
    """Wait until the address answers; False when it does not in time, or the supervisor is told to stop."""
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and not supervisor.stopping:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return True
        except (urllib.error.URLError, OSError):
            supervisor.look()
            time.sleep(0.1)
    return False
