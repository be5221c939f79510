"""The process that watched a job's child still rings the bell: a job's end may queue the next one."""

from __future__ import annotations

from uuid import uuid4

import pytest

from jobs import child
from jobs.dispatch import ring


@pytest.mark.django_db(transaction=True)
def test_it_works() -> None:
    assert ring(uuid4(), 0, "default")
    child._disconnect()
    assert ring(uuid4(), 0, "default")
