"""The people of the tests, the departments they work in, and clients that act as them."""

from __future__ import annotations

import os

# One thread a process: tests run in parallel, and oversubscribed threads are tens of times slower.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(_name, "1")

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.people import make_departments, make_people, signed_in


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The pass over real servers leaves out what meets neither their database nor their broker: the first pass did that."""
    if not os.environ.get("DATABASE_URL"):
        return
    met = [item for item in items if _meets_servers(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(met)])
    items[:] = met


def _meets_servers(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    if "embedded" in fixtures:
        return False
    uses_database = {"db", "transactional_db", "django_db_setup"} & fixtures or item.get_closest_marker("django_db")
    return bool(uses_database) or item.get_closest_marker("servers") is not None


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path) -> None:
    """Every test has its own files and work folders."""
    settings.HOME = tmp_path
    for name in ("files", "work", "spool", "tmp", "cache", "uploads"):
        (tmp_path / name).mkdir()
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "tmp")


@pytest.fixture
def departments(db: None) -> SimpleNamespace:
    """credit_risk, clinic and retail."""
    return make_departments()


@pytest.fixture
def people(departments: SimpleNamespace) -> SimpleNamespace:
    """Alice (analyst), Bob (viewer), Emil (engineer) and Mona (manager) of Credit Risk; Charlie (analyst, Retail);
    Dana (engineer, Clinic); Erin (platform admin); Mallory, who signed in and belongs nowhere."""
    return make_people(departments)


@pytest.fixture
def browser_of(people: SimpleNamespace) -> Callable[[str], Client]:
    """`browser_of("alice")`: a test client with Alice's session."""

    return lambda name: signed_in(getattr(people, name))


@pytest.fixture
def api_of(people: SimpleNamespace) -> Callable[..., APIClient]:
    """`api_of("alice", scopes=["read"])`: an API client with a fresh token of Alice's."""
    from accounts.services import create_token

    def make(name: str, scopes: tuple[str, ...] | list[str] = ("read", "write"), **kwargs: Any) -> APIClient:
        _token, secret = create_token(person=getattr(people, name), name="test", scopes=scopes, **kwargs)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return make


@pytest.fixture
def run_jobs(db: None) -> Callable[..., list[Any]]:
    """`run_jobs()`: do all queued jobs here and now, through the runner's own claim and settlement."""
    from jobs.testing import run_pending

    return run_pending
