"""An analyst has a whole table predicted, from the deployment's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from serving.batch.models import BatchPrediction
from serving.models import Deployment
from tests.datasets.uploads import post_dataset
from tests.serving.conftest import make_version, nothing_loaded  # noqa: F401 -- fixtures
from tests.serving.test_batch import PEOPLE

pytestmark = pytest.mark.browser


def test_a_table_is_chosen_checked_and_predicted(
    page_of: Callable[..., Any],
    api_of: Any,
    run_jobs: Any,
    make_version: Any,  # noqa: F811
) -> None:
    version = make_version()
    Deployment.objects.create(name="credit-scoring", department=version.department, model_version=version)
    post_dataset(api_of("alice"), PEOPLE)
    post_dataset(api_of("alice"), b"name,income\nAda,1\n", name="Short", filename="short.csv")
    run_jobs()
    page = page_of("alice")
    page.goto("/deployments/credit-scoring/batches/")
    page.get_by_label("Data set").select_option(label="Short · Credit Risk")
    page.get_by_text("Needed, and not there").wait_for()
    assert not page.get_by_role("button", name="Predict").count()
    page.get_by_label("Data set").select_option(label="People · Credit Risk")
    page.get_by_text("5 columns are repeated beside the predictions").click()
    page.get_by_label("note").uncheck()
    page.get_by_role("button", name="Predict 4 rows").click()
    page.get_by_text("The batch is queued").wait_for()
    run_jobs()
    batch = BatchPrediction.objects.get()
    assert (batch.state, batch.keep) == ("succeeded", ["name", "age", "income", "city"])
    page.reload()
    page.get_by_role("link", name="People: predicted by credit-scoring v1").click()
    page.get_by_text("probability_good").first.wait_for()
    small = page_of("alice", width=360, color_scheme="dark")
    small.goto("/deployments/credit-scoring/batches/")
    assert small.evaluate("document.documentElement.scrollWidth") <= 360
