"""Refreshing only what changed: newest wins, deletions, drift, and the same table as a full read gives."""

from __future__ import annotations

from typing import Any

import pytest

from datasets import storage
from datasets.models import Dataset, DatasetVersion, Feed
from datasets.parts import read
from departments.models import Notice
from tests.connectors.test_import_from_a_source import import_orders

pytestmark = pytest.mark.servers
CHANGES = {"mode": "changes", "cursor": "updated_at", "keys": ["id"], "name": "Orders"}


@pytest.fixture
def alice(api_of: Any) -> Any:
    return api_of("alice")


def refreshed(client: Any, feed: dict[str, Any], run_jobs: Any) -> DatasetVersion:
    answer = client.post(f"/api/v1/feeds/{feed['id']}/refresh/")
    assert answer.status_code == 202, answer.json()
    for job in run_jobs():
        assert job.state == "succeeded", job.error
    newest = Dataset.objects.get(pk=feed["dataset"]).versions.first()
    assert newest.state == "ready", newest.error
    return newest


def rows_of(version: DatasetVersion) -> list[tuple[Any, ...]]:
    with storage.local(version.storage_key) as path:
        return sorted(read(path).rows())


def in_shop(shop: Any) -> list[tuple[Any, ...]]:
    with shop.connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, amount::float8, customer, paid, placed, updated_at AT TIME ZONE 'UTC' FROM orders ORDER BY id"
        )
        return cursor.fetchall()


def test_changed_and_new_rows_come_in_by_key(alice, shop, run_jobs):
    feed = import_orders(alice, shop, run_jobs, **CHANGES)
    shop.do(
        "UPDATE orders SET amount = 99.5, updated_at = '2025-01-01' WHERE id IN (3, 4);"
        "INSERT INTO orders VALUES (41, 7, 'new', NULL, NULL, '2025-01-02')"
    )
    version = refreshed(alice, feed, run_jobs)
    assert rows_of(version) == in_shop(shop)
    assert {key: version.origin[key] for key in ("mode", "added", "changed", "removed")} == {
        "mode": "changes", "added": 1, "changed": 2, "removed": 0,
    }  # fmt: skip
    assert Feed.objects.get().newest == "2025-01-02 00:00:00"
    # Nothing new since: the rows of the last moment are read again, and no version is made of them.
    assert refreshed(alice, feed, run_jobs).number == 2
    assert Feed.objects.get().last_outcome == "unchanged"


def test_a_late_row_is_found_within_the_overlap_only(alice, shop, run_jobs):
    feed = import_orders(alice, shop, run_jobs, **CHANGES, overlap=7200)
    shop.do(
        "INSERT INTO orders VALUES (50, 1, 'late', true, NULL, (SELECT max(updated_at) - interval '1 hour' FROM orders))"
    )
    shop.do("INSERT INTO orders VALUES (51, 1, 'too late', true, NULL, '2024-05-01')")
    found = {row[0] for row in rows_of(refreshed(alice, feed, run_jobs))}
    assert 50 in found
    assert 51 not in found


def test_deleted_rows_stay_or_go_as_chosen(alice, shop, run_jobs):
    feed = import_orders(alice, shop, run_jobs, **CHANGES)
    shop.do("DELETE FROM orders WHERE id < 11; UPDATE orders SET updated_at = '2025-01-01' WHERE id = 12")
    kept = refreshed(alice, feed, run_jobs)
    assert kept.rows == 40
    assert any("not noticed" in note for note in kept.notes)
    alice.patch(f"/api/v1/feeds/{feed['id']}/", {"deletes": "remove"})
    version = refreshed(alice, feed, run_jobs)
    assert rows_of(version) == in_shop(shop)
    assert version.origin["removed"] == 10


def test_of_rows_with_one_key_the_newest_wins(alice, shop, run_jobs):
    shop.do(
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey; INSERT INTO orders VALUES (1, 5, 'older', true, NULL, '2020-01-01')"
    )
    feed = import_orders(alice, shop, run_jobs, **CHANGES)
    assert DatasetVersion.objects.get().rows == 40
    shop.do("INSERT INTO orders VALUES (2, 8, 'b', true, NULL, '2025-02-01'), (2, 9, 'a', true, NULL, '2025-03-01')")
    found = [row for row in rows_of(refreshed(alice, feed, run_jobs)) if row[0] in {1, 2}]
    assert [(row[0], row[1]) for row in found] == [(1, 1.25), (2, 9.0)]


def test_new_columns_are_read_whole_and_told(alice, shop, run_jobs):
    feed = import_orders(alice, shop, run_jobs, **CHANGES)
    shop.do("ALTER TABLE orders ADD city text DEFAULT 'Oslo', DROP paid, ALTER amount TYPE text")
    version = refreshed(alice, feed, run_jobs)
    assert [column["name"] for column in version.schema] == ["id", "amount", "customer", "placed", "updated_at", "city"]
    assert version.origin["drift"] == {
        "appeared": ["city"],
        "gone": ["paid"],
        "retyped": [["amount", "number", "text"]],
    }
    assert version.origin["mode"] == "full"
    assert any("'city'" in note for note in version.notes)
    assert Notice.objects.get(person__username="alice").kind == "feed.drift"


def test_a_recipe_that_needs_a_lost_column_is_named(alice, shop, run_jobs):
    feed = import_orders(alice, shop, run_jobs, **CHANGES)
    steps = [{"step": "missing", "columns": ["amount"], "params": {}}]
    answer = alice.post("/api/v1/recipes/", {"dataset": feed["dataset"], "name": "Fill amounts", "steps": steps})
    assert answer.status_code == 201, answer.json()
    shop.do("ALTER TABLE orders DROP amount")
    assert any("Fill amounts" in note for note in refreshed(alice, feed, run_jobs).notes)


def test_a_chosen_column_that_is_gone_fails_and_leaves_the_version_before(alice, shop, run_jobs):
    feed = import_orders(alice, shop, run_jobs, **CHANGES, columns=["id", "customer", "updated_at"])
    shop.do("ALTER TABLE orders RENAME customer TO client")
    alice.post(f"/api/v1/feeds/{feed['id']}/refresh/")
    (job,) = run_jobs()
    assert job.error["code"] == "unknown_column"
    assert Dataset.objects.get(pk=feed["dataset"]).versions.count() == 1
    shown = alice.get(f"/api/v1/feeds/{feed['id']}/").json()
    assert (shown["last_outcome"], shown["last_error"]["code"]) == ("failed", "unknown_column")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cursor": ""}, "cursor"),
        ({"keys": []}, "keys"),
        ({"columns": ["id"]}, "columns"),
        ({"overlap": -1}, "overlap"),
    ],
)
def test_settings_that_do_not_fit_are_refused(alice, shop, run_jobs, changes, field):
    from tests.connectors.test_import_from_a_source import new_source

    source = new_source(alice, shop).json()
    answer = alice.post(f"{source['url']}datasets/", {"table": "public.orders", **CHANGES, **changes})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)
