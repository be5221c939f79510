"""The access matrix: every route of the URLconf, asked by everybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from tests.access_matrix import Row, all_rows
from tests.people import signed_in
from tests.world import NAME_CANARY, ROW_CANARY, World, make_world

ROWS = all_rows()
# Who may know that the objects exist, and who may see what is in their rows.
KNOWS = {"alice", "bob", "emil", "mona", "dana", "erin"}
SEES_ROWS = {"alice", "bob", "emil", "mona", "dana"}
HTTP = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every (route, callback) of the URLconf, whatever kind of callback it is."""
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, path)
        elif isinstance(entry, URLPattern):
            yield path, entry.callback


def methods_of(callback: Any) -> set[str]:
    """The methods that a callback answers; one row is asked of a plain function, whose methods cannot be read."""
    if hasattr(callback, "actions"):
        return {method.upper() for method in callback.actions} & set(HTTP)
    if hasattr(callback, "cls") or hasattr(callback, "view_class"):
        owner = getattr(callback, "cls", None) or callback.view_class
        return {method for method in HTTP if hasattr(owner, method.lower())}
    return set()


def test_every_route_has_its_rows() -> None:
    known = {(row.route, row.method) for row in ROWS}
    asked = {row.route for row in ROWS}
    missing = []
    for route, callback in routes(get_resolver().url_patterns):
        missing += [f"{m} /{route}" for m in sorted(methods_of(callback)) if (route, m) not in known]
        if route not in asked:
            missing.append(f"any /{route}")
    assert not missing, "routes without a row in tests/access_matrix/:\n" + "\n".join(sorted(set(missing)))


def test_every_row_has_its_route() -> None:
    real = {route for route, _callback in routes(get_resolver().url_patterns)}
    gone = sorted({row.route for row in ROWS} - real)
    assert not gone, f"rows for routes that do not exist: {gone}"


def test_no_row_stands_twice() -> None:
    ids = [row.id + str(row.args) + str(row.body) for row in ROWS]
    assert len(ids) == len(set(ids)), sorted(i for i in ids if ids.count(i) > 1)


@pytest.fixture(scope="module", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One set of folders for the whole module, as it shares one world."""
    folder = tmp_path_factory.mktemp("world")
    for name in ("files", "work", "spool", "tmp", "cache", "uploads"):
        (folder / name).mkdir()
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder / "files")}}
    caches = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    with override_settings(
        HOME=folder,
        STORAGES={**settings.STORAGES, "default": files},
        CACHES=caches,
        FILE_UPLOAD_TEMP_DIR=str(folder / "tmp"),
    ):
        yield


@pytest.fixture(scope="module")
def world(own_folders: None, django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One world for all rows: each question is asked within a transaction that is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_statuses(row: Row, world: World) -> None:
    """Each person gets the row's status, and nobody sees a name or a value that is not for them."""
    wrong = []
    for person, expected in row.expected().items():
        client = Client() if person == "nobody" else signed_in(getattr(world.people, person))
        client.raise_request_exception = False
        with transaction.atomic():
            response = send(client, row, world)
            # A page may repeat the address that was asked for; that tells nobody more than they knew.
            body = content_of(response).replace(url_of(row, world), "")
            transaction.set_rollback(True)
        if response.status_code != expected:
            wrong.append(f"{person}: expected {expected}, got {response.status_code} {body[:300]!r}")
        if person not in KNOWS and NAME_CANARY in body:
            wrong.append(f"{person} learns of an object by name")
        if person not in SEES_ROWS and ROW_CANARY in body:
            wrong.append(f"{person} sees a value of a row")
    assert not wrong, "\n".join([row.id, *wrong])


def url_of(row: Row, world: World) -> str:
    """The row's route and query with their arguments filled in."""
    route = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(world.fill(row.args[found[1]])), row.route)
    return "/" + route + re.sub(r"\{([\w.]+)\}", lambda found: str(world.fill(found[1])), row.query)


def send(client: Client, row: Row, world: World) -> Any:
    """Ask the row's route with the row's body."""
    url = url_of(row, world)
    body = world.fill_body(row.body)
    if row.form or row.method == "GET":
        return (
            client.generic("GET", url) if row.method == "GET" else getattr(client, row.method.lower())(url, body or {})
        )
    if isinstance(body, bytes):
        content_type = row.headers.get("Content-Type", "application/octet-stream")
        return client.generic(row.method, url, body, content_type=content_type, headers=row.headers)
    return client.generic(row.method, url, _json(body), content_type="application/json", headers=row.headers)


def _json(body: Any) -> bytes:
    import orjson

    return orjson.dumps(body if body is not None else {}, default=str)


def content_of(response: Any) -> str:
    """The whole answer as text; a stream that never ends is read for its first part."""
    if response.streaming:
        parts = response.streaming_content
        if hasattr(parts, "__aiter__"):
            return ""
        return b"".join(parts).decode("utf-8", "replace")
    return str(response.content.decode("utf-8", "replace"))
