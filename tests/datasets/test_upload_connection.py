"""Uploads over a real connection to a real server: cut, stalled, taken up again, two at once."""

from __future__ import annotations

import hashlib
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.datasets.served import Served, serving
from tests.datasets.tus import BYTES, metadata
from tests.jobs.site import wait_until

pytestmark = pytest.mark.workers
MIB = 1 << 20
SIZE = 52 * MIB


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any) -> Iterator[Served]:
    with django_db_blocker.unblock(), serving(tmp_path_factory.mktemp("home")) as served:
        yield served


@pytest.fixture(scope="module")
def content() -> bytes:
    """More than 50 MB that no two places of have in common."""
    return random.Random(7).randbytes(SIZE)


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, headers=served.headers, timeout=60) as client:
        yield client


def begin(client: httpx.Client, length: int) -> str:
    told = {"Upload-Length": str(length), "Upload-Metadata": metadata(filename="t.bin", department="credit-risk")}
    answer = client.post("/api/v1/uploads/", headers=told)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].removeprefix(str(client.base_url).rstrip("/"))


def append(client: httpx.Client, url: str, offset: int, content: Any, **headers: str) -> httpx.Response:
    told = {"Content-Type": BYTES, "Upload-Offset": str(offset), **headers}
    return client.patch(url, content=content, headers=told)


def offset_of(client: httpx.Client, url: str) -> int:
    return int(client.head(url).headers["Upload-Offset"])


class Wire:
    """A PATCH written to the socket by hand, so that it can stop in the middle."""

    def __init__(self, served: Served, url: str, length: int, offset: int = 0, **headers: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", served.port))
        told = {**served.headers, "Host": "127.0.0.1", "Content-Type": BYTES, "Upload-Offset": str(offset)}
        told |= headers
        told["Content-Length"] = str(length)
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self.socket.sendall(f"PATCH {url} HTTP/1.1\r\n{head}\r\n".encode())

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def cut(self) -> None:
        self.socket.close()

    def status(self) -> int:
        return int(self.socket.recv(4096).split()[1])


def test_a_cut_connection_keeps_what_arrived(served: Served, client: httpx.Client, content: bytes) -> None:
    url = begin(client, SIZE)
    wire = Wire(served, url, SIZE)
    wire.send(content[: SIZE // 2])
    wire.cut()
    offset = wait_until(lambda: offset_of(client, url) == SIZE // 2 and SIZE // 2, 20, "the first half")
    assert append(client, url, offset, content[offset:]).status_code == 204
    assert client.get(url).json()["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_client_that_comes_back_need_not_wait_for_its_dead_connection(served: Served, client: httpx.Client) -> None:
    url = begin(client, 2 * MIB)
    wire = Wire(served, url, 2 * MIB)
    wire.send(b"a" * MIB)
    path = served.home / "uploads" / url.rstrip("/").rsplit("/", 1)[-1]
    wait_until(lambda: path.stat().st_size == MIB, 10, "the first half")
    assert append(client, url, 0, b"b" * MIB).status_code == 423
    offset = wait_until(lambda: offset_of(client, url), 10, "the silent request to let go")
    assert offset == MIB
    assert append(client, url, offset, b"b" * MIB).status_code == 204
    assert client.get(url).json()["sha256"] == hashlib.sha256(b"a" * MIB + b"b" * MIB).hexdigest()


def test_of_two_at_once_one_writes(client: httpx.Client, content: bytes) -> None:
    url = begin(client, SIZE)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: append(client, url, 0, content).status_code, range(2)))
    assert sorted(answers)[0] == 204 and sorted(answers)[1] in (409, 423), answers
    assert client.get(url).json()["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_refusal_comes_before_the_bytes(served: Served, client: httpx.Client) -> None:
    url = begin(client, SIZE)
    wire = Wire(served, url, SIZE, offset=5)
    assert wire.status() == 409
    wire.cut()
    wire = Wire(served, url, SIZE + 1)
    assert wire.status() == 413
    wire.cut()


def test_a_cut_request_with_a_checksum_leaves_nothing(served: Served, client: httpx.Client) -> None:
    url = begin(client, 2 * MIB)
    wire = Wire(served, url, 2 * MIB, **{"Upload-Checksum": "sha256 aaaa"})
    wire.send(b"x" * MIB)
    wire.cut()
    wait_until(lambda: append(client, url, 0, b"a" * 2 * MIB).status_code == 204, 10, "the lock")
    assert client.get(url).json()["sha256"] == hashlib.sha256(b"a" * 2 * MIB).hexdigest()


def test_the_server_holds_no_whole_body(served: Served, client: httpx.Client, content: bytes) -> None:
    """While parts arrive they are on the disk, not in memory or in a temporary file."""
    url = begin(client, SIZE)
    wire = Wire(served, url, SIZE)
    wire.send(content[: SIZE // 2])
    path = served.home / "uploads" / url.rstrip("/").rsplit("/", 1)[-1]
    wait_until(lambda: path.stat().st_size == SIZE // 2, 20, "the first half on disk")
    assert not list((served.home / "tmp").iterdir())
    wire.cut()
