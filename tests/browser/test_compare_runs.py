"""Comparing in the browser: what is chosen stands in the address, and a reload shows the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs.testing import run_pending
from tests.browser.test_training import dataset, paths  # noqa: F401
from training.models import TrainingRun


def test_what_is_chosen_stands_in_the_address(page_of: Callable[..., Any], people: Any, dataset: Any) -> None:  # noqa: F811
    path = paths(people, dataset)["compare"]
    page = page_of("alice")
    page.goto(path)
    page.locator("#compare[data-drawn]").wait_for()
    assert "metric=validation_loss" in page.url
    page.get_by_label("Metric", exact=True).select_option("train_loss")
    page.locator("#compare[data-drawn=train_loss]").wait_for()
    page.get_by_label("Log axis").check()
    page.get_by_role("button", name="Log loss", exact=True).click()
    page.locator("th[aria-sort=ascending]").wait_for()
    page.get_by_label("Show the curve").first.uncheck()
    assert all(part in page.url for part in ("metric=train_loss", "log=1", "sort=c1", "hide="))
    page.reload()
    page.locator("#compare[data-drawn=train_loss]").wait_for()
    assert page.get_by_label("Log axis").is_checked() and page.locator("tr.off").count() == 1
    with page.expect_download() as saved:
        page.get_by_role("button", name="PNG").first.click()
    assert saved.value.suggested_filename == "train loss.png"
    page.locator(".views summary").click()
    page.get_by_label("Name of this view").fill("Losses")
    page.get_by_role("button", name="Keep").click()
    page.locator(".views summary").click()
    assert "metric=train_loss" in page.get_by_role("link", name="Losses").get_attribute("href")


def test_a_clone_marks_what_it_changes(page_of: Callable[..., Any], people: Any, dataset: Any) -> None:  # noqa: F811
    first = paths(people, dataset)["run"].split("/")[2]
    page = page_of("alice")
    page.goto(f"/runs/new/?clone={first}")
    page.locator("#plan", has_text="The same as").wait_for()
    page.locator("#id_linear_learning_rate").fill("0.07")
    page.locator("#id_linear_learning_rate").press("Tab")
    page.locator("#plan .changes", has_text="Learning rate").wait_for()
    assert page.locator(".field.changed").count() == 1
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url("**/runs/*-*/")
    run_pending()
    page.get_by_role("link", name="Open the model").wait_for()
    page.get_by_text("Changed from").wait_for()
    assert str(TrainingRun.objects.latest("created_at").like_id) == first
