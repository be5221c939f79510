"""Training in the browser: from the data set to the model, and what the pages are like to use."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.base import ContentFile

from departments.access import actor_for
from jobs.testing import run_pending
from tests.browser.test_accessibility import LOOKS, findings
from training.models import TrainingRun

CSV = ("age,income,grade,defaulted\n" + "".join(
    f"{20 + i % 50},{1000 + 37 * (i % 41)},{'abc'[i % 3]},{'yes' if (i * 7) % 50 > 30 else 'no'}\n" for i in range(300)
)).encode()  # fmt: skip


@pytest.fixture
def dataset(people: SimpleNamespace, departments: SimpleNamespace) -> Any:
    from datasets.services import create_dataset

    file = ContentFile(CSV, name="loans.csv")
    made = create_dataset(actor=actor_for(people.alice), department=departments.credit_risk, name="Loans", file=file)
    run_pending()
    return made


def test_from_the_data_set_to_the_model(page_of: Callable[..., Any], dataset: Any) -> None:
    page = page_of("alice")
    page.goto(f"/runs/new/?dataset={dataset.pk}")
    page.get_by_role("radio", name="defaulted").check()
    page.locator("#plan .plan-list li").first.wait_for()
    assert "never more than" in page.locator("#plan").inner_text()
    page.get_by_role("radio", name="Fast").check()
    page.locator("#plan", has_text="5 s").wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url("**/runs/*-*/")
    assert page.locator("#run-head .chip[data-state=queued]").is_visible()
    run_pending()
    # The page notices by itself that the run has ended.
    page.get_by_role("link", name="Open the model").wait_for()
    page.locator(".curve-key").first.wait_for()
    assert "Predicting “defaulted”" in page.locator("#run-log").inner_text()
    page.get_by_role("link", name="Open the model").click()
    page.get_by_role("heading", name="Model card").wait_for()


def test_cancel_asks_first(page_of: Callable[..., Any], dataset: Any) -> None:
    page = page_of("alice")
    page.goto(f"/runs/new/?dataset={dataset.pk}&target=defaulted")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url("**/runs/*-*/")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel and discard").click()
    page.locator("#run-head .chip[data-state=cancelled]").wait_for()
    assert TrainingRun.objects.get().state == "cancelled"


def test_the_drawer_shows_the_chosen_family(page_of: Callable[..., Any], dataset: Any) -> None:
    page = page_of("alice")
    page.goto(f"/runs/new/?dataset={dataset.pk}&target=defaulted")
    page.get_by_text("Everything", exact=True).click()
    assert not page.locator("#id_mlp_hidden").is_visible()
    page.get_by_label("Model family").select_option("mlp")
    page.locator("#id_mlp_hidden").fill("16 8")
    page.locator("#id_mlp_hidden").press("Tab")
    page.locator("#plan", has_text="16, 8").wait_for()


@pytest.mark.parametrize("what", ["new", "run", "study", "compare", "model", "version"])
def test_no_serious_finding(page_of: Callable[..., Any], people: SimpleNamespace, dataset: Any, what: str) -> None:
    path = paths(people, dataset)[what]
    found = {}
    for width, theme in LOOKS:
        page = page_of("alice", width=width, color_scheme=theme)
        page.goto(path)
        page.wait_for_timeout(600)
        found[f"{width} {theme}"] = findings(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert not any(found.values()), found


def paths(people: SimpleNamespace, dataset: Any) -> dict[str, str]:
    """The pages of one run, one study and the model that they made."""
    from training.configuration import Request
    from training.services import start_run
    from training.studies import start_study

    asked = {
        "actor": actor_for(people.alice),
        "department": dataset.department,
        "version": dataset.versions.get(),
        "request": Request(target="defaulted", family="linear", params={"epochs": 20, "optimiser": "adamw"}),
    }
    first, second = start_run(**asked), start_run(**asked)
    study = start_study(**asked, search={"learning_rate": {"low": 0.001, "high": 0.5}}, trials=3)
    run_pending()
    version = TrainingRun.objects.get(pk=first.pk).model_version
    return {
        "new": f"/runs/new/?dataset={dataset.pk}&target=defaulted",
        "run": f"/runs/{first.pk}/",
        "study": f"/studies/{study.pk}/",
        "compare": f"/runs/compare/?ids={first.pk},{second.pk}",
        "model": f"/models/{version.model_id}/",
        "version": f"/models/{version.model_id}/versions/{version.number}/",
    }
