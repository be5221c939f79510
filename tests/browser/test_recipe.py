"""A recipe is made, watched and mended in a real browser, by mouse and by keyboard alone, also at 360 px."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from datasets.models import Recipe
from tests.browser.test_accessibility import findings
from tests.datasets.uploads import PEOPLE_CSV, post_dataset

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def url(api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]) -> str:
    answer = post_dataset(api_of("alice"), PEOPLE_CSV + b"Cy,51,NA,true\n")
    run_jobs()
    return f"/datasets/{answer.json()['id']}/recipe/"


def names() -> list[str]:
    return [step["step"] for step in Recipe.objects.get().steps]


def add(page: Any, label: str) -> None:
    if not page.locator(".recipe-choice").first.is_visible():
        page.locator("#recipe-add").click()
    page.locator(f".recipe-choice:has(strong:text-is('{label}'))").click()
    page.locator(f".recipe-step.chosen strong:has-text('{label}')").wait_for()


def test_the_effect_follows_every_change(page_of: Callable[..., Any], url: str) -> None:
    page = page_of("alice")
    page.goto(url)
    add(page, "Remove duplicates")
    page.locator(".row-removed").wait_for()
    add(page, "Missing values")
    page.get_by_label("Method").select_option("constant")
    page.get_by_text("needs the value to fill in").first.wait_for()
    assert page.get_by_role("button", name="Train with this recipe").is_disabled()
    page.get_by_label("age integer").check()
    page.get_by_label("Value").fill("40")
    page.get_by_label("Value").blur()
    page.locator(".cell-changed:has-text('40')").first.wait_for()
    page.get_by_role("link", name="Train with this recipe").wait_for()
    assert names() == ["duplicates", "missing"]
    page.reload()
    assert page.get_by_label("Value").input_value() == "40"


def test_by_keyboard_alone(page_of: Callable[..., Any], url: str) -> None:
    page = page_of("alice")
    page.goto(url)
    for label in ("Normalise", "Missing values"):
        add(page, label)
    page.locator("#recipe-step-1").focus()
    page.keyboard.press("Alt+ArrowUp")
    page.locator("#recipe-step-0:has-text('Missing values')").wait_for()
    page.locator("#recipe-step-0:focus").wait_for()
    assert names() == ["missing", "normalise"]
    page.keyboard.press("Control+z")
    page.locator("#recipe-step-0:has-text('Normalise')").wait_for()
    page.keyboard.press("Control+Shift+Z")
    page.locator("#recipe-step-0:has-text('Missing values')").wait_for()
    page.locator("#recipe-toggle-0").focus()
    page.keyboard.press("Space")
    page.get_by_text("switched off").wait_for()
    page.locator("#recipe-toggle-0:focus").wait_for()


def test_by_dragging(page_of: Callable[..., Any], url: str) -> None:
    page = page_of("alice")
    page.goto(url)
    for label in ("Normalise", "Missing values"):
        add(page, label)
    page.locator("[data-place='1']").drag_to(page.locator("[data-place='0']"))
    page.locator("#recipe-step-0:has-text('Missing values')").wait_for()
    assert names() == ["missing", "normalise"]


def test_back_returns_to_the_whole_page(page_of: Callable[..., Any], url: str) -> None:
    page = page_of("alice")
    page.goto(url)
    add(page, "Remove duplicates")
    add(page, "Missing values")
    page.locator("#recipe-step-0").click()
    page.get_by_role("heading", name="Step 1: Remove duplicates").wait_for()
    page.go_back()
    page.get_by_role("heading", name="Step 2: Missing values").wait_for()
    assert page.locator(".rail").count() == 1


@pytest.mark.parametrize("width", [1440, 360])
def test_it_is_accessible_and_fits(page_of: Callable[..., Any], url: str, width: int) -> None:
    page = page_of("alice", width=width)
    page.goto(url)
    assert not findings(page)
    add(page, "Missing values")
    add(page, "Encode categories")
    assert not findings(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
