"""Kinds of job that exist for the tests, and a way to queue one as Alice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from jobs import registry


@pytest.fixture
def kind() -> Iterator[Callable[..., Any]]:
    """`kind("name", **options)`: declare a kind of job for the length of one test."""
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
