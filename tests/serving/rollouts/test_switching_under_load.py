"""Not one request fails while a real server switches: a load of many callers, and a person who promotes, rolls back and
points elsewhere meanwhile. And bad behaviour is taken back within ten seconds by what runs by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from accounts.models import User
from accounts.services import create_token
from departments.models import Membership
from serving.models import Deployment
from tests.jobs.conftest import embedded, migrated
from tests.jobs.site import ROOT, Site, free_port, wait_until
from tests.serving.artifacts import ROW, write
from tests.serving.rollouts.conftest import PICKY
from training import artifacts
from training.models import ModelVersion, RegisteredModel

__all__ = ["embedded", "migrated"]
pytestmark = pytest.mark.workers
CALLERS = 8


class Server:
    """A web process over the site's own database and files, and one engineer's token."""

    def __init__(self, site: Site, folder: Path, settings: Any) -> None:
        self.site = site
        settings.HOME = site.home
        storage = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
        settings.STORAGES = {
            **settings.STORAGES, "default": {**storage, "OPTIONS": {"location": str(site.home / "files")}}
        }  # fmt: skip
        self.folder, self.port = folder, free_port()
        emil = User.objects.create(username="emil")
        Membership.objects.create(department=site.department, person=emil, role="engineer")
        self.token = create_token(person=emil, name="load", scopes=["read", "write"])[1]
        self.model = RegisteredModel.objects.create(department=site.department, name="Risk")
        self.versions = [self.version(), self.version(gain=1.2), self.version(inputs=PICKY)]
        deployment = Deployment(name="load", department=site.department, model_version=self.versions[0])
        deployment.save()

    def version(self, **kwargs: Any) -> ModelVersion:
        number = self.model.versions.count() + 1
        stored = artifacts.store(write(self.folder / f"artifact-{number}", **kwargs))
        return ModelVersion.objects.create(
            model=self.model, department=self.site.department, number=number, family="linear", task="binary",
            target="risk", storage_key=stored.storage_key, sha256=stored.sha256, manifest=stored.manifest,
        )  # fmt: skip

    def start(self) -> None:
        own = {"PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]), "ATRIUM_RATE_LIMIT": "1000000/min"}
        command = [sys.executable, "-m", "uvicorn", "atrium.asgi:application", "--host", "127.0.0.1", "--port"]
        with (self.site.home / "web.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, str(self.port), "--lifespan", "off", "--no-access-log"], cwd=ROOT, stdout=log, stderr=log,
                env={**self.site.env, **own, "DJANGO_SETTINGS_MODULE": "atrium.settings"}, start_new_session=True,
            )  # fmt: skip
        self.site.processes.append(process)
        wait_until(self._is_up, 60, "the web process")

    def _is_up(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/livez").status_code < 500
        except httpx.TransportError:
            return False

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}/api/v1/deployments/load/", timeout=30,
            headers={"Authorization": f"Bearer {self.token}"},
        )  # fmt: skip


@pytest.fixture
def server(embedded: Site, tmp_path: Path, settings: Any) -> Iterator[Server]:
    made = Server(embedded, tmp_path, settings)
    made.start()
    return made


async def call(client: httpx.AsyncClient, until: asyncio.Event, seen: Counter[tuple[int, str]], instance: Any) -> None:
    """One caller: asks again as soon as it is answered, each time under another key."""
    number = 0
    while not until.is_set():
        number += 1
        told = await client.post("predict/", json={"instances": [instance], "key": f"{id(until)}-{number}"})
        body = told.json()
        seen[told.status_code, body.get("model_version", body.get("code", ""))] += 1


async def under_load(server: Server, instance: Any, act: Any) -> Counter[tuple[int, str]]:
    """Do `act` while the callers call; what they were answered: (status, version or code)."""
    seen: Counter[tuple[int, str]] = Counter()
    until = asyncio.Event()
    async with server.client() as client:
        callers = [asyncio.create_task(call(client, until, seen, instance)) for _ in range(CALLERS)]
        try:
            await asyncio.sleep(0.5)
            await act(client)
            await asyncio.sleep(1.2)
        finally:
            until.set()
            await asyncio.gather(*callers)
    return seen


def test_no_request_fails_while_it_switches(server: Server) -> None:
    first, second = (str(version.pk) for version in server.versions[:2])

    async def ok(told: httpx.Response) -> Any:
        assert told.is_success, told.text
        await asyncio.sleep(0.7)
        return told.json()

    async def switch(client: httpx.AsyncClient) -> None:
        steps = [{"mode": "shadow", "minutes": None}, {"share": 0.5, "minutes": None}, {"share": 1, "minutes": None}]
        for _ in range(2):
            begun = {"model_version": second, "steps": steps, "alarms": {"p95_ratio": None}}
            rollout = await ok(await client.post("rollouts/", json=begun))
            for _step in range(3):
                await ok(await client.post(f"rollouts/{rollout['id']}/advance/", json={}))
            await ok(await client.post("rollback/", json={}))
        for version in (second, first, second):
            await ok(await client.patch("", json={"model_version": version}))
        await ok(
            await client.patch(
                "", json={"traffic": [{"version": second, "share": 0.7}, {"version": first, "share": 0.3}]}
            )
        )
        await ok(await client.post("rollback/", json={}))

    seen = asyncio.run(under_load(server, ROW, switch))
    assert {status for status, _who in seen} == {200}, seen
    assert set(seen) == {(200, first), (200, second)}
    assert min(seen.values()) > 50 and sum(seen.values()) > 500, seen


def test_failures_are_taken_back_within_ten_seconds_and_nobody_notices(server: Server) -> None:
    """Nothing but the web process runs: its own shipping of the log looks at the alarms."""
    picky = str(server.versions[2].pk)
    took: list[float] = []

    async def misbehave(client: httpx.AsyncClient) -> None:
        begun = {"model_version": picky, "steps": [{"share": 0.5, "minutes": None}]}
        rollout = (await client.post("rollouts/", json=begun)).json()
        began = time.monotonic()
        while time.monotonic() - began < 20:
            now = (await client.get(f"rollouts/{rollout['id']}/")).json()
            if now["state"] == "rolled_back":
                took.append(time.monotonic() - began)
                assert now["reason"]["alarm"] == "errors"
                return
            await asyncio.sleep(0.1)

    seen = asyncio.run(under_load(server, {"age": 45, "income": 2500.0}, misbehave))
    assert took and took[0] < 10, took
    assert set(seen) == {(200, str(server.versions[0].pk))}, seen
