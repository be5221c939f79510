"""Kinds of job that exist for the tests, and a way to queue one as Alice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from atrium.home import ensure_home
from jobs import registry
from tests.jobs import postgres, site
from tests.jobs.site import Site


@pytest.fixture
def kind() -> Iterator[Callable[..., Any]]:
    """`kind("name", **options)`: declare a kind of job for the length of one test."""
    registry.kinds()  # the apps' own kinds are read once a process and must be there afterwards too
    before = dict(registry._handlers)

    def declare(name: str, **options: Any) -> Any:
        return registry.handler(name, title=options.pop("title", "A test's job"), **options)

    yield declare
    registry._handlers.clear()
    registry._handlers.update(before)


@pytest.fixture
def queue_job(people: SimpleNamespace, departments: SimpleNamespace) -> Callable[..., Any]:
    """`queue_job(kind, person="alice", **payload)`: queue a job in Credit Risk, as services do."""
    from departments.access import actor_for
    from jobs.services import enqueue

    def make(kind: str, person: str = "alice", **payload: Any) -> Any:
        actor = actor_for(getattr(people, person))
        return enqueue(kind, actor=actor, department=departments.credit_risk, payload=payload)

    return make


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Callable[[bool], str]:
    """`migrated(servers)`: the URL of a database with all tables, from which each test's own is copied."""
    made: dict[bool, str] = {}

    def make(servers: bool) -> str:
        if servers not in made:
            url = postgres.create() if servers else f"sqlite:///{tmp_path_factory.mktemp('migrated')}/atrium.sqlite3"
            with django_db_blocker.unblock():
                site.migrate(url)
            made[servers] = url
        return made[servers]

    yield make
    if True in made:
        postgres.drop(made[True])


EMBEDDED = pytest.param(False, id="embedded", marks=pytest.mark.workers)
SERVERS = pytest.param(True, id="servers", marks=[pytest.mark.workers, pytest.mark.servers])
# The suite's pass over real servers need not do the embedded ones again.
BROKERS = [SERVERS] if os.environ.get("DATABASE_URL") else [EMBEDDED, SERVERS]


@pytest.fixture(params=BROKERS)
def platform(
    request: pytest.FixtureRequest, tmp_path: Path, migrated: Callable[[bool], str], django_db_blocker: Any
) -> Iterator[Site]:
    """A platform of real processes on SQLite and the folder broker, and again on PostgreSQL and Redis."""
    with django_db_blocker.unblock(), raised(tmp_path, migrated, servers=request.param) as platform:
        yield platform


@pytest.fixture(params=[EMBEDDED])
def embedded(tmp_path: Path, migrated: Callable[[bool], str], django_db_blocker: Any) -> Iterator[Site]:
    """Where the broker makes no difference, the embedded one alone."""
    with django_db_blocker.unblock(), raised(tmp_path, migrated, servers=False) as platform:
        yield platform


@contextmanager
def raised(folder: Path, migrated: Callable[[bool], str], *, servers: bool) -> Iterator[Site]:
    """A platform with its people and no process yet; whatever it started is gone at the end."""
    import_module("tests.jobs.workload.tasks")
    home = ensure_home(folder / "home")
    url = postgres.create(migrated(True)) if servers else site.copy_sqlite(migrated(False), home)
    platform = Site(home, url, site.Redis(folder / "redis") if servers else None)
    if platform.redis:
        platform.redis.start()
    try:
        with site.connected(url), site.sending(platform):
            platform.furnish()
            yield platform
    finally:
        # Shown where the test failed.
        print(platform.logs())
        platform.stop()
        if servers:
            postgres.drop(url)
