"""In a browser: find a data set, ask for it, be granted it, read its rows; and revoke with a choice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datasets.models import Dataset
from departments.models import AccessRequest, Grant, Notice
from departments.services import create_grant
from tests.browser.test_accessibility import LOOKS, findings
from tests.departments.conftest import ask, asked, listed, olga

__all__ = ["ask", "asked", "listed", "olga"]
PageOf = Callable[..., Any]
SHOTS = os.environ.get("ATRIUM_SHOTS")


def shoot(page: Any, name: str) -> None:
    """A picture to look at, where ATRIUM_SHOTS names a folder."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_from_the_catalogue_to_the_rows(page_of: PageOf, listed: Dataset) -> None:
    charlie = page_of("charlie")
    charlie.goto("/datasets/?relation=discoverable&column=income")
    shoot(charlie, "catalogue")
    charlie.get_by_role("link", name="People").click()
    shoot(charlie, "discoverable")
    charlie.get_by_role("link", name="Request access").click()
    charlie.get_by_label("Purpose").fill("Forecast demand for the next season")
    charlie.get_by_text("Only some columns").click()
    charlie.get_by_label("age", exact=True).check()
    shoot(charlie, "ask")
    charlie.get_by_role("button", name="Send the request").click()
    charlie.get_by_text("Waits for a manager of Credit Risk").wait_for()
    shoot(charlie, "asked")

    mona = page_of("mona")
    mona.goto("/")
    shoot(mona, "home")
    mona.get_by_role("link", name="1 unread notice").click()
    shoot(mona, "notices")
    mona.get_by_role("link", name="Retail asks for access").click()
    shoot(mona, "decide")
    mona.get_by_role("link", name="Approve with changes").click()
    mona.get_by_role("checkbox", name="name", exact=True).check()
    mona.get_by_label("Note to the requester").fill("With names, as you will need them")
    shoot(mona, "change")
    mona.get_by_role("button", name="Grant", exact=True).click()
    mona.get_by_text("With names, as you will need them").wait_for()
    shoot(mona, "decided")

    charlie.reload()
    charlie.get_by_role("link", name="People").first.click()
    charlie.get_by_text("Ada").first.wait_for()
    shoot(charlie, "rows")
    assert "1200" not in charlie.content(), "income was not asked for"
    assert Grant.objects.get().columns == ["name", "age"]


def test_revoking_with_a_choice(page_of: PageOf, listed: Dataset, olga: Any, departments: Any, people: Any) -> None:
    grant = create_grant(obj=listed, department=departments.retail, verbs=["preview"], created_by=people.mona)
    mona = page_of("mona")
    mona.goto(f"/datasets/{listed.pk}/?tab=access")
    shoot(mona, "access")
    mona.get_by_role("link", name="The grant to Retail", exact=True).click()
    mona.get_by_label("Keep: everything goes on").check()
    shoot(mona, "revoke")
    mona.get_by_role("button", name="Revoke").click()
    mona.get_by_text("need the date until which").wait_for()
    mona.get_by_label("Freeze: jobs are cancelled").check()
    mona.get_by_role("button", name="Revoke").click()
    mona.get_by_text("How it ended").wait_for()
    shoot(mona, "revoked")
    grant.refresh_from_db()
    assert grant.revoked_at is not None
    assert Notice.objects.filter(person=olga, kind="grant.revoked").exists()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_nothing_that_axe_calls_serious(
    look: Any, page_of: PageOf, asked: AccessRequest, listed: Dataset, departments: Any, people: Any
) -> None:
    grant = create_grant(obj=listed, department=departments.clinic, verbs=["preview"], created_by=people.mona)
    mona, charlie = (page_of(name, width=look[0], color_scheme=look[1]) for name in ("mona", "charlie"))
    seen = [
        (mona, "/access-requests/"), (mona, f"/access-requests/{asked.pk}/"), (mona, f"/grants/{grant.pk}/"),
        (mona, "/notices/"), (mona, "/settings/notices/"), (charlie, f"/datasets/{listed.pk}/"),
        (charlie, f"/access-requests/new/dataset/{listed.pk}/"),
    ]  # fmt: skip
    for page, path in seen:
        page.goto(path)
        shoot(page, f"{look[0]}-{look[1]}-{path.strip('/').replace('/', '-')[:40]}")
        assert findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{path} scrolls sideways"
