"""The pages: catalogue, upload, and one data set with its tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from datasets.models import Dataset, DatasetVersion
from datasets.tabs import TABS
from departments.models import Grant
from departments.services import create_grant
from jobs.testing import run_pending
from tests.datasets.tus import send
from tests.datasets.uploads import PEOPLE_CSV, post_dataset

Browser = Callable[[str], Client]
Api = Callable[..., APIClient]
pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(api_of: Api) -> Dataset:
    """People, ready, in Credit Risk."""
    post_dataset(api_of("alice"))
    run_pending()
    return Dataset.objects.get()


def test_a_taken_name_is_said_at_its_field(browser_of: Browser, api_of: Api, dataset: Dataset) -> None:
    upload = send(api_of("alice"), PEOPLE_CSV)
    body = {"act": "import", "name": "People", "department": "credit-risk"}
    response = browser_of("alice").post(f"/datasets/import/{upload}/", body)
    assert response.status_code == 422 and "this name is taken" in response.content.decode()


def test_reading_is_followed_until_it_ends(browser_of: Browser, api_of: Api) -> None:
    alice, pk = browser_of("alice"), post_dataset(api_of("alice")).data["id"]
    page = alice.get(f"/datasets/{pk}/").content.decode()
    assert "hx-get" in page and "Reading people.csv" in page
    assert alice.get(f"/datasets/{pk}/progress/").status_code == 200
    run_pending()
    assert alice.get(f"/datasets/{pk}/progress/")["HX-Refresh"] == "true"
    assert "Ada" in alice.get(f"/datasets/{pk}/").content.decode()


def test_viewer_is_told_why_uploading_is_refused(browser_of: Browser) -> None:
    response = browser_of("bob").get("/datasets/new/")
    assert response.status_code == 403 and "analyst" in response.content.decode()


def test_a_failed_import_says_what_to_do_and_reads_again(browser_of: Browser, api_of: Api) -> None:
    alice = browser_of("alice")
    pk = post_dataset(api_of("alice"), b'a,b\n1,"x\n2,y\n').data["id"]
    run_pending()
    page = alice.get(f"/datasets/{pk}/").content.decode()
    assert "Line 2 has a quote that is not closed properly" in page and "Close the quote" in page
    again = f"/datasets/{pk}/versions/1/again/"
    assert f'href="{again}"' in page and "Line 2 has a quote" in alice.get(again).content.decode()
    body = {"act": "import", "shown": "csv", "was": "", "options.broken_quotes": "reject"}
    assert alice.post(again, body).status_code == 302
    run_pending()
    assert DatasetVersion.objects.get(number=2).state == "ready"


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens(browser_of: Browser, dataset: Dataset, tab: str) -> None:
    for name in ("alice", "bob", "mona", "erin"):
        response = browser_of(name).get(f"/datasets/{dataset.pk}/?tab={tab}")
        assert response.status_code == 200, name


def test_the_preview_header_carries_the_whole_tables_figures(browser_of: Browser, dataset: Dataset) -> None:
    page = browser_of("bob").get(f"/datasets/{dataset.pk}/").content.decode()
    assert "36 – 51" in page and "2 distinct" in page and "33 %" in page and '<svg class="histogram"' in page


def test_platform_admin_and_discoverer_see_no_values(
    browser_of: Browser, dataset: Dataset, people: Any, departments: Any
) -> None:
    create_grant(obj=dataset, department=departments.clinic, verbs=["discover"], created_by=people.mona)
    for name in ("erin", "dana"):
        for tab in TABS:
            page = browser_of(name).get(f"/datasets/{dataset.pk}/?tab={tab}").content.decode()
            assert not [value for value in ("Ada", "36 – 51", "1200.5") if value in page], (name, tab)


def test_stranger_gets_404_everywhere(browser_of: Browser, dataset: Dataset) -> None:
    base = f"/datasets/{dataset.pk}/"
    for name in ("charlie", "mallory"):
        stranger = browser_of(name)
        assert "People" not in stranger.get("/datasets/").content.decode()
        for url in (base, f"{base}progress/"):
            assert stranger.get(url).status_code == 404
        for part in ("edit/", "delete/", "versions/", "versions/1/again/", "grants/"):
            assert stranger.post(base + part).status_code == 404


def test_manager_grants_and_revokes(browser_of: Browser, dataset: Dataset) -> None:
    mona, base = browser_of("mona"), f"/datasets/{dataset.pk}/"
    body = {"department": "clinic", "verbs": ["preview"], "purpose": "study", "expires_on": "2099-01-01", "later": "on"}
    body |= {"column-0": "on"}
    assert browser_of("alice").post(f"{base}grants/", body).status_code == 403
    assert mona.post(f"{base}grants/", body).status_code == 302
    assert browser_of("dana").get(base).status_code == 200
    assert mona.post(f"/grants/{Grant.objects.get().pk}/revoke/", {"choice": "freeze"}).status_code == 302
    assert browser_of("dana").get(base).status_code == 404
    assert mona.post(f"{base}grants/", {**body, "expires_on": "2001-01-01"}).status_code == 422


def test_delete_asks_for_the_name(browser_of: Browser, dataset: Dataset) -> None:
    mona, url = browser_of("mona"), f"/datasets/{dataset.pk}/delete/"
    mona.post(url, {"confirm": "Else"})
    assert Dataset.objects.exists()
    assert mona.post(url, {"confirm": "People"}).url == "/datasets/"
    assert not Dataset.objects.exists()


def test_search_and_filters_narrow_the_catalogue(browser_of: Browser, dataset: Dataset) -> None:
    alice = browser_of("alice")
    for query, shown in (
        ("", True), ("?search=peop credit", True), ("?search=zebra", False), ("?department=credit-risk", True),
        ("?department=clinic", False), ("?relation=owned", True), ("?relation=granted", False), ("?page=99", True),
    ):  # fmt: skip
        assert ("People</a>" in alice.get(f"/datasets/{query}").content.decode()) is shown, query


def fill(dataset: Dataset, count: int) -> None:
    """More data sets with a version each."""
    made = Dataset.objects.bulk_create(
        [Dataset(name=f"d{i}", department_id=dataset.department_id) for i in range(count)]
    )
    DatasetVersion.objects.bulk_create(
        [DatasetVersion(dataset=d, department_id=d.department_id, number=1, source_key="k", rows=1) for d in made]
    )


@pytest.mark.parametrize("url", ["/datasets/", "/api/v1/datasets/?limit=200"])
def test_the_catalogue_asks_a_constant_number_of_queries(browser_of: Browser, dataset: Dataset, url: str) -> None:
    bob = browser_of("bob")
    bob.get(url)
    fill(dataset, 9)
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert bob.get(url).status_code == 200
    DatasetVersion.objects.exclude(dataset=dataset).delete()
    Dataset.objects.exclude(pk=dataset.pk).delete()
    fill(dataset, 150)
    with CaptureQueriesContext(connection) as many:
        assert bob.get(url).status_code == 200
    assert len(many) == len(few), [query["sql"][:120] for query in many]
