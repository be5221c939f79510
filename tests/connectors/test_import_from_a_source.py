"""From a database to a version: over the API, as Alice does it."""

from __future__ import annotations

from typing import Any

import pytest

from datasets.models import Dataset, DatasetVersion, Source
from departments.services import create_grant

pytestmark = pytest.mark.servers


@pytest.fixture
def alice(api_of: Any) -> Any:
    return api_of("alice")


def new_source(client: Any, shop: Any, **changes: Any) -> Any:
    body = {"name": "Shop", "department": "credit-risk", "connector": "postgresql", "params": shop.params | changes}
    return client.post("/api/v1/sources/", body)


def import_orders(client: Any, shop: Any, run_jobs: Any, **settings: Any) -> dict[str, Any]:
    source = new_source(client, shop).json()
    run_jobs()
    answer = client.post(f"/api/v1/sources/{source['id']}/datasets/", {"table": "public.orders", **settings})
    assert answer.status_code == 201, answer.json()
    run_jobs()
    return answer.json()


def test_a_table_becomes_a_version_with_its_types(alice, shop, run_jobs, api_of, departments):
    answer = new_source(alice, shop)
    assert answer.status_code == 201, answer.json()
    source = answer.json()
    run_jobs()
    checked = alice.get(source["url"]).json()["checked"]
    assert checked["ok"], checked
    (table,) = alice.get(f"{source['url']}tables/").json()
    assert (table["name"], table["rows"]) == ("public.orders", 40)
    assert [column["name"] for column in table["columns"] if column["is_key"]] == ["id"]

    feed = alice.post(f"{source['url']}datasets/", {"table": "public.orders", "name": "Orders"}).json()
    run_jobs()
    version = DatasetVersion.objects.get(dataset=feed["dataset"])
    assert (version.state, version.rows, version.rejected_rows) == ("ready", 40, 0), version.error
    assert {column["name"]: column["type"] for column in version.schema} == {
        "id": "integer", "amount": "number", "customer": "text", "paid": "boolean", "placed": "date", "updated_at": "datetime",
    }  # fmt: skip
    assert version.origin["connector"] == "postgresql"
    assert alice.get(f"/api/v1/datasets/{feed['dataset']}/versions/1/").json()["origin"]["table"] == "public.orders"
    # Whoever was granted the data learns nothing of the host that it comes from.
    create_grant(obj=version.dataset, department=departments.clinic, verbs=["preview"], created_by=None)
    assert api_of("dana").get(f"/api/v1/datasets/{feed['dataset']}/versions/1/").json()["origin"] == {}
    rows = alice.get(f"/api/v1/datasets/{feed['dataset']}/versions/1/rows/?sort=id&limit=1").json()["results"]
    assert rows[0]["amount"] == 1.25
    # 12:00 at +02:00, one hour later, in UTC
    assert rows[0]["updated_at"].startswith("2024-05-01T11:00")


def test_a_query_is_imported_and_only_its_hash_is_recorded(alice, shop, run_jobs):
    source = new_source(alice, shop).json()
    query = "SELECT customer, count(*) AS n, sum(amount) AS total FROM orders WHERE customer LIKE '%1%' GROUP BY 1"
    feed = alice.post(f"{source['url']}datasets/", {"query": query, "name": "Totals"}).json()
    run_jobs()
    version = DatasetVersion.objects.get(dataset=feed["dataset"])
    assert version.state == "ready", version.error
    assert [column["type"] for column in version.schema] == ["text", "integer", "number"]
    assert len(version.origin["query_sha256"]) == 64


def test_no_new_version_where_nothing_changed(alice, shop, run_jobs):
    feed = import_orders(alice, shop, run_jobs)
    assert alice.post(f"/api/v1/feeds/{feed['id']}/refresh/").status_code == 202
    run_jobs()
    assert Dataset.objects.get(pk=feed["dataset"]).versions.count() == 1
    assert alice.get(f"/api/v1/feeds/{feed['id']}/").json()["last_outcome"] == "unchanged"
    shop.do("DELETE FROM orders WHERE id = 7")
    alice.post(f"/api/v1/feeds/{feed['id']}/refresh/")
    run_jobs()
    newest = Dataset.objects.get(pk=feed["dataset"]).versions.first()
    assert (newest.number, newest.rows) == (2, 39)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"database": "nowhere_to_be_found"}, "unknown_database"),
        ({"port": 1}, "connection_refused"),
        ({"host": "no-such-host.invalid"}, "unknown_host"),
        ({"tls": "require"}, "no_tls"),
        ({"user": "nobody_of_this_name"}, "wrong_password"),
    ],
)
def test_a_connection_that_fails_says_why_and_what_to_do(alice, shop, run_jobs, changes, code):
    source = new_source(alice, shop, **changes).json()
    (job,) = run_jobs()
    checked = Source.objects.get(pk=source["id"]).checked
    assert (checked["ok"], checked["code"]) == (False, code)
    assert checked["hint"]
    assert job.error["code"] == code


def test_a_host_that_is_not_public_is_refused_until_an_admin_allows_it(alice, shop, run_jobs, settings):
    settings.CONNECT_ALLOW = []
    source = new_source(alice, shop).json()
    run_jobs()
    checked = Source.objects.get(pk=source["id"]).checked
    assert checked["code"] == "address_not_allowed"
    assert "platform admin" in checked["hint"]


def test_the_secret_is_nowhere_in_the_clear(alice, shop, run_jobs, caplog, tmp_path):
    from django.apps import apps
    from django.core import serializers

    import_orders(alice, shop, run_jobs)
    source = Source.objects.get()
    assert source.sealed
    kept = [serializers.serialize("json", model.objects.all()) for model in apps.get_models()]
    shown = [
        alice.get(f"/api/v1/{path}/?limit=500").content.decode() for path in ("sources", "feeds", "jobs", "datasets")
    ]
    files = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    for text in (*kept, *shown, *files, caplog.text):
        assert "zqsecret" not in text
