"""The pages of sources, without scripts: connect, look, import, keep up, and let go."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from datasets.models import ConnectAllowance, Dataset, Feed, Source
from datasets.sources import services as source_services
from departments.access import actor_for

pytestmark = pytest.mark.servers


@pytest.fixture
def alice(browser_of: Any) -> Any:
    return browser_of("alice")


def connect(client: Any, shop: Any, run_jobs: Any, **changes: Any) -> Source:
    params = {f"params.{name}": value for name, value in {**shop.params, **changes}.items()}
    answer = client.post(
        "/datasets/sources/new/?connector=postgresql", {"name": "Shop", "department": "credit-risk", **params}
    )
    assert answer.status_code == 302, answer.content.decode()
    run_jobs()
    return Source.objects.get()


def test_from_nothing_to_a_data_set_that_is_kept_up(alice, shop, run_jobs):
    assert b"No sources yet" in alice.get("/datasets/sources/").content
    assert b"MariaDB" in alice.get("/datasets/sources/new/").content
    source = connect(alice, shop, run_jobs)
    page = alice.get(source.get_absolute_url()).content.decode()
    assert "PostgreSQL" in page
    assert "public.orders" in page
    assert "zqsecret" not in page
    form = alice.get(f"{source.get_absolute_url()}import/?table=public.orders").content.decode()
    assert "updated_at" in form
    body = {
        "name": "Orders", "columns": ["id", "amount", "customer", "paid", "placed", "updated_at"], "every": "day", "at": "03:00",
        "mode": "changes", "cursor": "updated_at", "keys": ["id"],
    }  # fmt: skip
    answer = alice.post(f"{source.get_absolute_url()}import/?table=public.orders", body)
    assert answer.status_code == 302, answer.content.decode()
    run_jobs()
    feed = Feed.objects.get()
    assert (feed.columns, feed.mode, feed.keys, feed.at.hour) == ([], "changes", ["id"], 3)
    page = alice.get(f"/datasets/{feed.dataset_id}/").content.decode()
    assert "Refresh now" in page
    shop.do("UPDATE orders SET amount = 0, updated_at = '2025-01-01' WHERE id = 1")
    assert alice.post(f"/datasets/{feed.dataset_id}/refresh/").status_code == 302
    run_jobs()
    assert feed.dataset.versions.first().origin["changed"] == 1


def test_a_query_is_imported_from_its_page(alice, shop, run_jobs):
    source = connect(alice, shop, run_jobs)
    body = {"name": "Paid", "query": "SELECT id, amount FROM orders WHERE paid;", "every": "never", "mode": "full"}
    assert alice.post(f"{source.get_absolute_url()}import/", body).status_code == 302
    run_jobs()
    assert Dataset.objects.get(name="Paid").versions.get().rows == 20
    for query in ("DELETE FROM orders", "SELECT 1; SELECT 2"):
        answer = alice.post(f"{source.get_absolute_url()}import/", {**body, "name": "X", "query": query})
        assert answer.status_code == 422
        assert b"Write one SELECT" in answer.content


def test_a_connection_that_fails_shows_why_on_the_page(alice, shop, run_jobs):
    source = connect(alice, shop, run_jobs, database="nowhere_at_all")
    page = alice.get(source.get_absolute_url()).content.decode()
    assert "does not exist" in page
    assert "Check the database&#x27;s name." in page
    assert "Nothing to import yet" in page


def test_a_stored_password_goes_to_no_other_host(alice, shop, run_jobs):
    source = connect(alice, shop, run_jobs)
    params = {
        f"params.{name}": value for name, value in {**shop.params, "host": "thief.example.com", "password": ""}.items()
    }
    answer = alice.post(f"{source.get_absolute_url()}edit/", {"name": "Shop", **params})
    assert answer.status_code == 422
    assert b"enter it again" in answer.content
    source.refresh_from_db()
    assert source.params["host"] == "127.0.0.1"
    # Renaming needs no secret, and the sealed one stays.
    sealed, same = source.sealed, {**params, "params.host": "127.0.0.1"}
    assert alice.post(f"{source.get_absolute_url()}edit/", {"name": "Shop 2", **same}).status_code == 302
    source.refresh_from_db()
    assert (source.name, source.sealed) == ("Shop 2", sealed)


def test_a_new_password_replaces_the_old_one_and_neither_is_recorded(alice, shop, run_jobs):
    source = connect(alice, shop, run_jobs)
    before = source.sealed
    params = {f"params.{name}": value for name, value in {**shop.params, "password": "zqother"}.items()}
    alice.post(f"{source.get_absolute_url()}edit/", {"name": "Shop", **params})
    source.refresh_from_db()
    assert source.sealed != before
    told = AuditEvent.objects.get(verb="source.update").details
    assert told == {"changed": [], "secrets_replaced": ["password"]}
    assert "zqother" not in alice.get(f"{source.get_absolute_url()}edit/").content.decode()


def test_a_source_in_use_stays_until_its_data_sets_are_detached(alice, shop, run_jobs):
    source = connect(alice, shop, run_jobs)
    body = {"name": "Orders", "every": "never", "mode": "full", "columns": ["id", "amount"]}
    alice.post(f"{source.get_absolute_url()}import/?table=public.orders", body)
    run_jobs()
    dataset = Dataset.objects.get()
    alice.post(f"{source.get_absolute_url()}delete/", {"confirm": "Shop"})
    assert Source.objects.exists()
    alice.post(f"/datasets/{dataset.pk}/detach/")
    alice.post(f"{source.get_absolute_url()}delete/", {"confirm": "Shop"})
    assert not Source.objects.exists()
    assert dataset.versions.count() == 1


def test_only_an_admin_allows_a_host(browser_of, alice, shop, run_jobs, settings):
    settings.CONNECT_ALLOW = []
    source = connect(alice, shop, run_jobs)
    assert b"platform admin" in alice.get(source.get_absolute_url()).content
    assert alice.post("/admin/connections/", {"entry": "127.0.0.1"}).status_code == 404
    erin = browser_of("erin")
    assert erin.post("/admin/connections/", {"entry": "http://x"}).status_code == 422
    assert erin.post("/admin/connections/", {"entry": "127.0.0.1:5432", "note": "shop"}).status_code == 302
    alice.post(f"{source.get_absolute_url()}check/")
    run_jobs()
    source.refresh_from_db()
    assert source.checked["ok"], source.checked
    erin.post(reverse("admin-connection-remove", args=[ConnectAllowance.objects.get().pk]))
    alice.post(f"{source.get_absolute_url()}check/")
    run_jobs()
    source.refresh_from_db()
    assert source.checked["code"] == "address_not_allowed"
    assert set(AuditEvent.objects.filter(verb__startswith="connection.").values_list("verb", flat=True)) == {
        "connection.allow", "connection.disallow",
    }  # fmt: skip


def test_after_a_new_secret_key_sources_are_sealed_anew(alice, shop, run_jobs, settings):
    from django.core.management import call_command

    source = connect(alice, shop, run_jobs)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = (
        "a new key that is long enough to be one",
        [settings.SECRET_KEY],
    )
    call_command("reseal")
    settings.SECRET_KEY_FALLBACKS = []
    source_services.look_around(actor=actor_for(source.created_by), source=source)
    run_jobs()
    source.refresh_from_db()
    assert source.checked["ok"], source.checked
