"""A running prediction core, and tokens of the people of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.services import create_token
from tests.serving.core.http import Running


@pytest.fixture
def core(transactional_db: None) -> Iterator[Running]:
    """Its threads have connections of their own, so what the test does is committed."""
    with Running() as running:
        yield running


@pytest.fixture
def token_of(people: SimpleNamespace) -> Callable[..., str]:
    """`token_of("alice")`: the secret of a fresh token that may predict."""

    def make(name: str, scopes: tuple[str, ...] = ("predict",), **kwargs: Any) -> str:
        return create_token(person=getattr(people, name), name="test", scopes=scopes, **kwargs)[1]

    return make
