"""Before a training, the page and the API say what speaks against the data, and a button mends it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from rest_framework.test import APIClient

from datasets.models import Recipe
from datasets.services import create_dataset
from departments.access import actor_for
from training.models import TrainingRun


@pytest.fixture
def leaky(people: SimpleNamespace, departments: SimpleNamespace, run_jobs: Callable[..., Any]) -> Any:
    """Loans with a column that was written after the outcome, and every row twice."""
    rows = [f"{20 + i % 40},{1000 + 37 * (i % 11)},{i % 2},{'late' if i % 2 else 'none'}" for i in range(100)]
    text = "\n".join(["age,income,defaulted,reminder", *rows, *rows])
    made = create_dataset(
        actor=actor_for(people.alice), department=departments.credit_risk, name="Leaky",
        file=ContentFile(text.encode(), name="leaky.csv"),
    )  # fmt: skip
    run_jobs()
    return made


def test_the_api_names_columns_test_value_and_threshold(leaky: Any, api_of: Callable[..., APIClient]) -> None:
    answer = api_of("alice").post("/api/v1/runs/check/", {"dataset": str(leaky.pk), "target": "defaulted"})
    assert answer.status_code == 200, answer.data
    findings = {each["check"]: each for each in answer.data["findings"]}
    assert findings["leakage"]["columns"] == ["reminder"] and findings["leakage"]["threshold"] == 0.95
    assert findings["split_duplicates"]["action"]["step"]["step"] == "duplicates"
    assert answer.data["rows"] == answer.data["of"] == 200


def test_the_page_offers_the_repairs(leaky: Any, browser_of: Callable[[str], Client]) -> None:
    alice = browser_of("alice")
    form = {"dataset": leaky.pk, "version": 1, "target": "defaulted", "preset": "fast"}
    page = alice.post("/runs/checks/", form).content.decode()
    assert "reminder” alone predicts" in page and "Leave out" in page and "Add the step to the recipe" in page
    mended = alice.post(
        "/runs/mend/", {**form, "mend": '{"step": "duplicates", "columns": [], "params": {}}', "without": ["reminder"]}
    )
    recipe = Recipe.objects.get()
    assert [step["step"] for step in recipe.steps] == ["duplicates"]
    assert str(recipe.pk) in mended["Location"] and "without=reminder" in mended["Location"]
    again = alice.post("/runs/checks/", {**form, "recipe": recipe.pk, "without": ["reminder"]}).content.decode()
    assert "Nothing speaks against training" in again
    shown = alice.get(mended["Location"]).content.decode()
    assert 'name="without" value="reminder" checked' in shown


def test_a_column_left_out_is_not_learned_from(leaky: Any, browser_of: Callable[[str], Client]) -> None:
    form = {"dataset": leaky.pk, "target": "defaulted", "family": "linear", "without": ["reminder"]}
    assert browser_of("alice").post("/runs/new/", form).status_code == 302
    assert TrainingRun.objects.get().features == ["age", "income"]


def test_the_run_keeps_the_findings(
    leaky: Any, browser_of: Callable[[str], Client], run_jobs: Callable[..., Any]
) -> None:
    form = {"dataset": leaky.pk, "target": "defaulted", "family": "linear", "linear.epochs": "3"}
    alice = browser_of("alice")
    alice.post("/runs/new/", form)
    run_jobs()
    run = TrainingRun.objects.get()
    assert {"leakage", "split_duplicates"} <= {each["check"] for each in run.findings}
    page = alice.get(f"/runs/{run.pk}/").content.decode()
    assert "Train again without it" in page and f"clone={run.pk}&amp;without=reminder" in page
    assert "Train again without it" not in browser_of("bob").get(f"/runs/{run.pk}/").content.decode()


def test_a_stranger_gets_404(leaky: Any, api_of: Callable[..., APIClient]) -> None:
    asked = {"dataset": str(leaky.pk), "target": "defaulted"}
    assert api_of("charlie").post("/api/v1/runs/check/", asked).status_code == 404
    assert api_of("bob").post("/api/v1/runs/check/", asked).status_code == 403
