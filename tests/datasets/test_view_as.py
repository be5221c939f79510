"""The owner sees what the grantee sees: by the same path, before and after granting."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from audit.models import AuditEvent
from datasets.models import Dataset
from datasets.services import create_dataset
from departments.access import actor_for
from departments.ending import revoke_grant
from departments.models import Grant
from departments.services import create_grant
from jobs.testing import run_pending

Browser = Callable[[str], Client]
CSV = b"name,city,age\n" + b"".join(
    b"Zqann%d,%s,%d\n" % (i, b"Oslo" if i % 2 else b"Bergen", 20 + i) for i in range(30)
)


@pytest.fixture
def dataset(departments: SimpleNamespace, people: SimpleNamespace) -> Dataset:
    made = create_dataset(
        actor=actor_for(people.alice),
        department=departments.credit_risk,
        name="people",
        file=ContentFile(CSV, name="p.csv"),
    )
    run_pending()
    return made


@pytest.fixture
def grant(dataset: Dataset, departments: SimpleNamespace, people: SimpleNamespace) -> Grant:
    terms: dict[str, Any] = {"masks": {"name": {"kind": "hash"}, "age": {"kind": "hide"}}, "rows": ["city=Oslo"]}
    return create_grant(
        obj=dataset, department=departments.clinic, verbs=["preview", "export"], created_by=people.mona, **terms
    )


@pytest.mark.parametrize(
    "part", ["", "rows/", "profile/", "download/", "rejects/", "rows/?where=age>3", "rows/?sort=city"]
)
def test_the_owner_gets_the_grantees_answer(part: str, browser_of: Browser, dataset: Dataset, grant: Grant) -> None:
    url = f"/api/v1/datasets/{dataset.pk}/versions/1/{part}"
    as_grantee = browser_of("dana").get(url)
    as_owner = browser_of("mona").get(f"{url}{'&' if '?' in url else '?'}view_as={grant.pk}")
    assert as_owner.status_code == as_grantee.status_code
    assert body_of(as_owner) == body_of(as_grantee)


@pytest.mark.parametrize("tab", ["preview", "columns", "quality", "versions"])
def test_the_owners_page_shows_the_grantees(tab: str, browser_of: Browser, dataset: Dataset, grant: Grant) -> None:
    page = browser_of("mona").get(f"/datasets/{dataset.pk}/?tab={tab}&view_as={grant.pk}").content.decode()
    assert "You see this as Clinic does" in page
    assert "Zqann" not in page and "p.csv" not in page
    theirs = browser_of("dana").get(f"/datasets/{dataset.pk}/?tab={tab}").content.decode()
    if tab != "quality":  # there the grantee has buttons for a recipe of their own
        assert shown(page) == shown(theirs)


def shown(page: str) -> str:
    """What the page shows of the data: without the address of the view."""
    found = re.search(r'<div id="part".*</main>', page, re.S)
    assert found is not None
    plain = re.sub(
        r"<input type=.hidden. name=.view_as.[^>]*>|&amp;view_as=[\w-]+|view_as=[\w-]+&amp;|\?view_as=[\w-]+",
        "",
        found[0],
        flags=re.S,
    )
    return re.sub(r"\s+|<div class=\"row-line\">\s*</div>", "", plain)


def test_what_the_owner_looked_at_is_recorded_as_such(browser_of: Browser, dataset: Dataset, grant: Grant) -> None:
    browser_of("mona").get(f"/api/v1/datasets/{dataset.pk}/versions/1/rows/?view_as={grant.pk}")
    event = AuditEvent.objects.filter(verb="dataset.rows").get()
    assert (event.actor_name, event.rule) == ("mona", f"view-as-{grant.pk}")


def test_grants_that_ended_or_are_of_something_else_are_404(
    browser_of: Browser, dataset: Dataset, grant: Grant, departments: SimpleNamespace, people: SimpleNamespace
) -> None:
    mona, url = browser_of("mona"), f"/api/v1/datasets/{dataset.pk}/versions/1/rows/?view_as="
    other = Dataset.objects.create(department=departments.credit_risk, name="other")
    foreign = create_grant(obj=other, department=departments.clinic, verbs=["preview"], created_by=people.mona)
    for asked in (foreign.pk, "nonsense", "0" * 8):
        assert mona.get(f"{url}{asked}").status_code == 404
    revoke_grant(grant=grant)
    assert mona.get(f"{url}{grant.pk}").status_code == 404


def test_the_form_shows_what_it_would_give(browser_of: Browser, dataset: Dataset) -> None:
    mona = browser_of("mona")
    form = {
        "verbs": ["preview"], "department": "clinic", "expires_on": "2099-01-01", "rows": "city=Oslo\nage>=30",
        "column-0": "on", "mask-0": "hash", "column-2": "on", "mask-2": "bucket", "width-2": "10",
    }  # fmt: skip
    shown = mona.post(f"/datasets/{dataset.pk}/grants/draft/", form).content.decode()
    assert "10</strong> of 30 rows" in shown and "2</strong> of 3 columns" in shown and "2 masked" in shown
    assert "Zqann" not in shown
    assert mona.post(f"/datasets/{dataset.pk}/grants/", form).status_code == 302
    made = Grant.objects.get()
    assert (made.columns, made.rows) == (["name", "age"], ["city=Oslo", "age>=30"])
    assert made.masks == {"name": {"kind": "hash"}, "age": {"kind": "bucket", "params": {"width": 10}}}
    rows = browser_of("dana").get(f"/api/v1/datasets/{dataset.pk}/versions/1/rows/").json()["results"]
    assert [row["age"] for row in rows][:3] == [30, 30, 30]


def test_the_form_says_what_does_not_fit(browser_of: Browser, dataset: Dataset) -> None:
    mona = browser_of("mona")
    form = {"verbs": ["preview"], "department": "clinic", "expires_on": "2099-01-01", "rows": "salary>3"}
    wrong = {**form, "column-0": "on", "mask-0": "year-only"}
    shown = mona.post(f"/datasets/{dataset.pk}/grants/draft/", wrong).content.decode()
    assert "masks.name.kind" in shown
    answer = mona.post(f"/datasets/{dataset.pk}/grants/", {**form, "column-0": "on"})
    assert answer.status_code == 422 and "salary" in answer.content.decode()
    assert not Grant.objects.exists()


def test_a_changed_grant_holds_at_once(browser_of: Browser, dataset: Dataset, grant: Grant) -> None:
    mona = browser_of("mona")
    url = f"/datasets/{dataset.pk}/grants/{grant.pk}/"
    page = mona.get(url).content.decode()
    assert "city=Oslo" in page and re.search(r'name="column-1"\s+checked', page)
    assert not re.search(r'name="column-2"\s+checked', page)
    form = {"verbs": ["preview"], "expires_on": "2099-01-01", "rows": "", "column-1": "on"}
    assert mona.post(url, form).status_code == 302
    rows = browser_of("dana").get(f"/api/v1/datasets/{dataset.pk}/versions/1/rows/").json()
    assert rows["total"] == 30 and list(rows["results"][0]) == ["city"]
    assert browser_of("dana").get(f"/api/v1/datasets/{dataset.pk}/versions/1/download/").status_code == 403


def body_of(answer: Any) -> Any:
    if answer.streaming:
        return b"".join(answer.streaming_content)
    body = answer.json()
    body.pop("request_id", None)
    return body
