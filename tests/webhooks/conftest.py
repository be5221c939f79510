"""A receiver on this machine, which the platform admin has allowed."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from departments.access import actor_for
from tests.webhooks.receiver import Receiver, receiving
from webhooks.events import EVENTS
from webhooks.models import Endpoint
from webhooks.services import create_endpoint


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.CONNECT_ALLOW = ["127.0.0.1"]
    with receiving() as server:
        yield server


@pytest.fixture
def endpoint(receiver: Receiver, departments: SimpleNamespace, people: SimpleNamespace) -> Endpoint:
    """One of Credit Risk that is told of everything; the receiver knows its secret."""
    made, receiver.secret = create_endpoint(
        actor=actor_for(people.mona), department=departments.credit_risk, name="on-call", target=receiver.url,
        events=list(EVENTS),
    )  # fmt: skip
    return made
