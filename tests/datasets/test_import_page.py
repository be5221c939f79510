"""The import page: what was found is shown and can be changed, and nothing is a version before it is confirmed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets.imports import preview as import_preview
from datasets.models import Dataset, DatasetVersion, Upload
from jobs.sandbox import SandboxFailed
from jobs.testing import run_pending
from tests.datasets.tus import UPLOADS, begin, send
from tests.datasets.uploads import PEOPLE_CSV, post_dataset, upload

Browser = Callable[[str], Client]
Api = Callable[..., APIClient]
pytestmark = pytest.mark.django_db
SEMICOLONS = b"id;amount\n1;2,5\n2;3,5\n007;NA\n9\n"
CHOICES = {"shown": "csv", "was": "", "options.format": ""}


@pytest.fixture
def url(api_of: Api) -> str:
    return f"/datasets/import/{send(api_of('alice'), SEMICOLONS, filename='sums.csv')}/"


def text(response: Any) -> str:
    return str(response.content.decode())


def test_the_whole_way_without_scripts(browser_of: Browser) -> None:
    alice = browser_of("alice")
    sent = alice.post("/datasets/new/", {"file": upload(), "department": "credit-risk"})
    assert sent.status_code == 302 and sent.url.startswith("/datasets/import/")
    page = text(alice.get(sent.url))
    assert "First rows" in page and "Ada" in page and 'value="people"' in page
    assert not Dataset.objects.exists() and not DatasetVersion.objects.exists()
    done = alice.post(sent.url, {**CHOICES, "act": "import", "name": "People", "department": "credit-risk"})
    dataset = Dataset.objects.get()
    assert done.status_code == 302 and done.url == f"/datasets/{dataset.pk}/"
    assert alice.get(sent.url).status_code == 404 and not Upload.objects.exists()
    run_pending()
    assert "Ada" in text(alice.get(done.url))


def test_it_shows_what_was_found(browser_of: Browser, url: str) -> None:
    page = text(browser_of("alice").get(url))
    for said in (
        "Found: semicolon",
        "Found: utf-8",
        "integer",
        "has 1 field where the table has 2",
        "Would be set aside",
    ):
        assert said in page, said
    assert '<td class="row-number">4</td>' in page


def test_a_changed_choice_changes_the_preview_and_stores_nothing(browser_of: Browser, url: str) -> None:
    alice = browser_of("alice")
    body = {**CHOICES, "act": "preview", "options.delimiter": "comma", "name": "Kept"}
    part = text(alice.post(url, body, headers={"HX-Request": "true"}))
    assert "<html" not in part and "id;amount" in part and "Found: semicolon" not in part
    whole = text(alice.post(url, body))
    assert "<html" in whole and "id;amount" in whole and 'value="Kept"' in whole
    assert not Dataset.objects.exists()


def test_a_columns_type_can_be_chosen(browser_of: Browser, url: str) -> None:
    alice = browser_of("alice")
    body = {**CHOICES, "act": "preview", "types.amount": "text"}
    page = text(alice.post(url, body, headers={"HX-Request": "true"}))
    assert '<option value="text" selected>text</option>' in page
    alice.post(url, {**body, "act": "import", "name": "Sums", "department": "credit-risk"})
    run_pending()
    version = DatasetVersion.objects.get()
    assert {"name": "amount", "type": "text"} in version.schema and version.options["types"] == {"amount": "text"}


def test_missing_spellings_can_be_changed(browser_of: Browser, url: str) -> None:
    body = {**CHOICES, "act": "import", "name": "S", "department": "credit-risk", "missing": "007\n-1\n"}
    browser_of("alice").post(url, body)
    assert DatasetVersion.objects.get().options == {"missing": ["007", "-1"]}


def test_another_format_brings_its_own_choices(browser_of: Browser, url: str) -> None:
    body = {**CHOICES, "act": "preview", "options.format": "excel", "options.delimiter": "comma"}
    page = text(browser_of("alice").post(url, body, headers={"HX-Request": "true"}))
    assert "options.sheet" in page and "options.delimiter" not in page
    assert "options.format" in page and "delimiter" not in page.partition("Format")[0]


def test_a_file_that_cannot_be_read_says_why_and_shows_its_lines(browser_of: Browser, api_of: Api) -> None:
    alice = browser_of("alice")
    url = f"/datasets/import/{send(api_of('alice'), b'a,b' + bytes([10]) + b'1,' + bytes([34]) + b'x')}/"
    page = text(alice.get(url))
    assert "not closed properly" in page and "Close the quote" in page and "first lines" in page
    assert 'name="options.broken_quotes"' in page


@pytest.mark.parametrize("code", ["busy", "timeout", "memory", "crash", "garbage"])
def test_a_reader_that_was_stopped_is_explained(
    browser_of: Browser, url: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise SandboxFailed(code, "inner words")

    monkeypatch.setattr(import_preview.sandbox, "ask", refuse)
    response = browser_of("alice").get(url)
    page = text(response)
    assert response.status_code == 200 and 'role="alert"' in page and "inner words" not in page
    assert ("would be refused" in page) == (code in ("crash", "garbage")) and 'name="options.encoding"' in page


def test_a_next_version_begins_with_the_options_of_the_last_and_says_what_changes(
    browser_of: Browser, api_of: Api
) -> None:
    alice = browser_of("alice")
    pk = post_dataset(api_of("alice"), options='{"types": {"age": "text"}}').data["id"]
    run_pending()
    page = alice.post(f"/datasets/{pk}/versions/", {"file": upload(b"name,age,height\nDi,4,1.5\n")})
    assert page.status_code == 302 and page.url.startswith("/datasets/import/")
    shown = text(alice.get(page.url))
    assert "What changes against version 1" in shown and "new column, number" in shown
    assert "no longer there, was number" in shown and '<option value="text" selected>text</option>' in shown
    assert 'name="name"' not in shown and DatasetVersion.objects.count() == 1
    assert alice.post(page.url, {**CHOICES, "act": "import", "types.age": "text"}).url == f"/datasets/{pk}/"
    run_pending()
    assert [column["type"] for column in DatasetVersion.objects.get(number=2).schema] == ["text", "text", "number"]


def test_a_file_that_is_here_already_is_noticed(browser_of: Browser, api_of: Api) -> None:
    pk = post_dataset(api_of("alice")).data["id"]
    run_pending()
    page = text(browser_of("alice").get(f"/datasets/import/{send(api_of('alice'), PEOPLE_CSV)}/"))
    assert "Exactly this file is here already" in page and f"/datasets/{pk}/?version=1" in page


def test_the_choices_as_commands(browser_of: Browser, url: str) -> None:
    body = {**CHOICES, "act": "preview", "types.amount": "text"}
    page = text(browser_of("alice").post(url, body))
    assert "curl -H" in page and "file=@sums.csv" in page and "httpx.post" in page


def test_unfinished_uploads_wait_on_the_upload_page(browser_of: Browser, api_of: Api, url: str) -> None:
    alice = browser_of("alice")
    begun = begin(api_of("alice"), 1000, content=b"abc", filename="half.csv")
    page = text(alice.get("/datasets/new/"))
    assert url in page and "half.csv" in page and "Choose the same file again" in page
    assert alice.get(f"/datasets/import/{begun.data['id']}/").status_code == 409
    assert alice.post(f"/datasets/import/{begun.data['id']}/delete/").status_code == 302
    assert "Choose the same file again" not in text(alice.get("/datasets/new/"))


def test_the_api_previews_too(api_of: Api, url: str) -> None:
    alice, pk = api_of("alice"), url.split("/")[3]
    told = alice.post(f"{UPLOADS}{pk}/preview/", {"options": {"types": {"id": "text"}}, "rows": 1}, format="json")
    assert told.status_code == 200 and told.data["columns"][0] == {"name": "id", "type": "text"}
    assert len(told.data["rows"]) == 1 and told.data["counts"]["rejected"] == 1
    assert alice.post(f"{UPLOADS}{pk}/preview/", {"options": [1]}, format="json").status_code == 422
    json.dumps(told.json())


def test_looking_is_recorded(browser_of: Browser, url: str) -> None:
    browser_of("alice").get(url)
    assert AuditEvent.objects.filter(verb="upload.preview", actor_name="alice").count() == 1


def test_the_versions_tab_says_how_each_was_read_and_what_was_set_aside(browser_of: Browser, api_of: Api) -> None:
    content = b"id;amount\n" + b"".join(b"%d;%d,5\n" % (i, i) for i in range(200)) + b"7\nx;oops\n"
    pk = post_dataset(api_of("alice"), content, options='{"types": {"id": "text"}}').data["id"]
    run_pending()
    page = text(browser_of("bob").get(f"/datasets/{pk}/?tab=versions"))
    assert "Delimiter: semicolon" in page and "id: text" in page and "Set aside in version 1" in page
    assert "has 1 field where the table has 2" in page and "oops" in page
    assert "Read version 1 again" not in page
    assert "Read version 1 again" in text(browser_of("alice").get(f"/datasets/{pk}/?tab=versions"))
    assert "oops" not in text(browser_of("erin").get(f"/datasets/{pk}/?tab=versions"))
