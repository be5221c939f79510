"""Granting a part of a data set in a browser: the consequence before the click, then as the grantee sees it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.base import ContentFile

from datasets.models import Dataset
from datasets.services import create_dataset
from departments.access import actor_for
from departments.models import Grant
from jobs.testing import run_pending

CITIES = ("Oslo", "Bergen", "Tromsø")


def line(i: int) -> str:
    born, repaid = f"19{50 + i % 40}-0{1 + i % 9}-12", "yes" if i % 4 else "no"
    return f"Anna Berg {i},anna{i}@example.org,{born},{CITIES[i % 3]},{30000 + 731 * i},{repaid}\n"


CSV = f"name,email,born,city,income,repaid\n{''.join(line(i) for i in range(60))}".encode()


@pytest.fixture
def dataset(transactional_db: None, departments: SimpleNamespace, people: SimpleNamespace) -> Dataset:
    made = create_dataset(
        actor=actor_for(people.alice),
        department=departments.credit_risk,
        name="Loans",
        file=ContentFile(CSV, name="l.csv"),
    )
    run_pending()
    return made


def shot(page: Any, name: str) -> None:
    """Pictures to look at: ATRIUM_SHOTS=folder."""
    if folder := os.environ.get("ATRIUM_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_grant_a_part_and_view_as(page_of: Callable[..., Any], dataset: Dataset) -> None:
    page = page_of("mona")
    page.goto(f"/datasets/{dataset.pk}/?tab=access")
    page.get_by_role("link", name="Grant access").first.click()
    page.get_by_text("of 60 rows").wait_for()
    assert "as they are: " in page.locator("#draft").inner_text()
    shot(page, "grant-new")
    page.get_by_label("Department", exact=True).select_option("clinic")
    page.get_by_role("checkbox", name="email").uncheck()
    page.get_by_label("How name is shown").select_option("hash")
    page.get_by_label("How born is shown").select_option("year-only")
    page.get_by_label("How income is shown").select_option("bucket")
    page.locator("tr", has_text="income").get_by_label("width").fill("10000")
    page.get_by_label("Only rows that fit").fill("city=Oslo")
    page.get_by_text("20").and_(page.locator(".draft-count strong")).wait_for()
    panel = page.locator("#draft")
    assert "anna" not in panel.inner_text().lower() and "1950" in panel.inner_text()
    shot(page, "grant-filled")
    page.get_by_role("button", name="Grant", exact=True).click()
    page.wait_for_url("**/?tab=access")
    shot(page, "grant-access-tab")
    made = Grant.objects.get()
    assert made.columns == ["name", "born", "city", "income", "repaid"] and made.rows == ["city=Oslo"]
    page.get_by_role("link", name="View as Clinic").click()
    page.get_by_text("You see this as Clinic does.").wait_for()
    assert "anna" not in page.locator("main").inner_text().lower()
    shot(page, "grant-view-as")


def test_the_form_fits_a_telephone_in_the_dark(page_of: Callable[..., Any], dataset: Dataset) -> None:
    page = page_of("mona", width=360, color_scheme="dark")
    page.goto(f"/datasets/{dataset.pk}/grants/")
    page.get_by_text("of 60 rows").wait_for()
    page.get_by_label("How income is shown").select_option("bucket")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shot(page, "grant-360-dark")
