"""A study's page in the browser: followed live, narrowed by keys, sorted, promoted from, continued."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from departments.access import actor_for
from jobs.testing import run_pending
from tests.browser.test_accessibility import LOOKS, findings
from tests.browser.test_training import dataset  # noqa: F401
from training.configuration import Request
from training.models import ModelVersion, Study
from training.studies import start_study
from training.study_options import Options


@pytest.fixture
def study(people: SimpleNamespace, dataset: Any) -> Study:  # noqa: F811
    return start_study(
        actor=actor_for(people.alice),
        department=dataset.department,
        version=dataset.versions.get(),
        request=Request(target="defaulted", family="mlp", params={"epochs": 9, "hidden": [8]}),
        search={
            "learning_rate": {"low": 1e-5, "high": 0.1},
            "dropout": {},
            "hidden": [[8], [16, 16]],
            "activation": ["relu", "tanh"],
        },
        trials=12,
        options=Options(pruner="asha", limits={"size_mb": 1.0}, promote_best=False),
    )


def test_the_page_follows_narrows_promotes_and_goes_on(page_of: Callable[..., Any], study: Study) -> None:
    page = page_of("alice")
    page.goto(f"/studies/{study.pk}/")
    page.get_by_role("heading", name="The first trial is on its way").wait_for()
    run_pending()
    # The page notices by itself.
    page.get_by_role("button", name="Go on").wait_for()
    page.locator("#study .parallel-axis").first.wait_for()
    rows = page.locator("#trials tbody tr:visible")
    assert rows.count() == 12
    scored = study.trials.filter(value__isnull=False).count()
    assert page.locator("[data-dots=best] .dot").count() == scored and page.locator("[data-dots] svg").count() == 5

    handle = page.get_by_role("slider", name="Learning rate: highest that is shown")
    handle.focus()
    for _press in range(10):
        page.keyboard.press("ArrowDown")
    left = rows.count()
    assert 0 < left < 12 and f"{left} of 12" in page.locator("[data-parallel] [role=status]").inner_text()
    assert page.locator(".parallel-off").count() == 12 - left
    page.keyboard.press("Escape")
    assert rows.count() == 12

    page.get_by_role("link", name="Log loss").click()
    page.wait_for_url("**/?sort=value")
    assert page.locator("th[aria-sort=ascending]").inner_text() == "Log loss"
    assert page.locator("#trials tbody tr").first.get_by_text("Best").is_visible()

    page.get_by_label("Promote the best trial into the model").fill("Loans")
    page.get_by_role("button", name="Promote the best").click()
    page.wait_for_url("**/models/**")
    assert ModelVersion.objects.get().model.name == "Loans"
    page.goto(f"/studies/{study.pk}/")
    page.get_by_label("More trials").fill("2")
    page.get_by_role("button", name="Go on").click()
    page.locator("#study .chip[data-state=running]").first.wait_for()
    assert Study.objects.get().trial_count == 14


def test_no_serious_finding(page_of: Callable[..., Any], study: Study) -> None:
    run_pending()
    found = {}
    for width, theme in LOOKS:
        page = page_of("alice", width=width, color_scheme=theme)
        page.goto(f"/studies/{study.pk}/")
        page.locator("#study .parallel-axis").first.wait_for()
        found[f"{width} {theme}"] = findings(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert not any(found.values()), found


def test_what_matters_is_searched_by_one_button(page_of: Callable[..., Any], dataset: Any) -> None:  # noqa: F811
    page = page_of("alice")
    page.goto(f"/runs/new/?dataset={dataset.pk}&target=defaulted")
    page.get_by_text("Everything", exact=True).click()
    page.get_by_label("Model family").select_option("trees")
    page.get_by_role("button", name="Search what matters").locator("visible=true").click()
    page.locator("#plan", has_text="30 trials").wait_for()
    page.locator("input[name=trials]").fill("2")
    page.get_by_role("button", name="Start the study").click()
    page.wait_for_url("**/studies/**")
    made = Study.objects.get()
    assert made.pruner == "asha" and "learning_rate" in made.search and len(made.search) > 3
