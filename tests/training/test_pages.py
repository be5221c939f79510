"""The pages of runs, studies and models, as a browser's requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from jobs.models import Job
from jobs.testing import run_pending
from training.models import ModelVersion, Study, TrainingRun


def test_start_from_the_train_page(browser_of: Callable[[str], Client], version: Any) -> None:
    alice = browser_of("alice")
    assert version.dataset.name in alice.get("/runs/new/").content.decode()
    page = alice.get(f"/runs/new/?dataset={version.dataset_id}").content.decode()
    assert "Tell two classes apart" in page and "What will be tried" in page
    form = {"dataset": version.dataset_id, "version": 1, "target": "defaulted", "preset": "fast"}
    plan = alice.post("/runs/plan/", form).content.decode()
    assert "Linear model" in plan and "Boosted trees" in plan and "curl -X POST" in plan
    response = alice.post("/runs/new/", form)
    run = TrainingRun.objects.get()
    assert response.status_code == 302 and response["Location"] == f"/runs/{run.pk}/"
    live = alice.get(f"/runs/{run.pk}/").content.decode()
    assert "Cancel" in live and f"/api/v1/runs/{run.pk}/events/" in live


def test_a_wrong_form_says_where(browser_of: Callable[[str], Client], version: Any) -> None:
    form = {"dataset": version.dataset_id, "target": "defaulted", "family": "linear", "linear.epochs": "0"}
    response = browser_of("alice").post("/runs/new/", form)
    assert response.status_code == 422
    assert "expected a whole number from 1" in response.content.decode()
    assert not TrainingRun.objects.exists()


def test_the_run_page_shows_what_came_of_it(
    browser_of: Callable[[str], Client], linear_run: Callable[..., Any]
) -> None:
    run = linear_run()
    run_pending()
    page = browser_of("bob").get(f"/runs/{run.pk}/").content.decode()
    assert "Open the model" in page and "baseline" in page and "Better" in page
    assert "Train again with changes" not in page, "a viewer does not train"
    assert "Train again with changes" in browser_of("alice").get(f"/runs/{run.pk}/").content.decode()


def test_a_clone_starts_from_the_run(browser_of: Callable[[str], Client], linear_run: Callable[..., Any]) -> None:
    run = linear_run(seed=41)
    page = browser_of("alice").get(f"/runs/new/?clone={run.pk}").content.decode()
    assert 'value="41"' in page and 'value="0.05"' in page


def test_failure_says_what_to_do(browser_of: Callable[[str], Client], linear_run: Callable[..., Any]) -> None:
    run = linear_run({"optimiser": "sgd", "learning_rate": 10.0, "batch_size": 8})
    run_pending()
    run.refresh_from_db()
    assert (run.state, run.error["code"]) == ("failed", "diverged")
    page = browser_of("alice").get(f"/runs/{run.pk}/").content.decode()
    assert "Use a learning rate of" in page and "Change the run and try again" in page


def test_a_study_from_the_page(browser_of: Callable[[str], Client], version: Any) -> None:
    alice = browser_of("alice")
    form = {
        "dataset": version.dataset_id, "target": "limit", "family": "linear", "linear.epochs": "5",
        "linear.optimiser": "adamw", "trials": "3", "tune": ["linear.learning_rate"],
    }  # fmt: skip
    assert "3 trials" in alice.post("/runs/plan/", form).content.decode()
    response = alice.post("/runs/new/", form)
    study = Study.objects.get()
    assert response["Location"] == f"/studies/{study.pk}/"
    assert 'hx-trigger="every 2s"' in alice.get(f"/studies/{study.pk}/").content.decode()
    run_pending()
    page = alice.get(f"/studies/{study.pk}/").content.decode()
    assert "Open the best model" in page and "every 2s" not in page


def test_a_study_that_waits_says_why(browser_of: Callable[[str], Client], version: Any) -> None:
    alice = browser_of("alice")
    alice.post(
        "/runs/new/", {"dataset": version.dataset_id, "target": "limit", "family": "linear", "trials": "3",
                       "linear.epochs": "5", "tune": ["linear.learning_rate"]},
    )  # fmt: skip
    page = f"/studies/{Study.objects.get().pk}/"
    assert 'data-reason="no-worker"' in alice.get(page).content.decode()
    run = Study.objects.get().trials.first().run
    Job.objects.filter(pk=run.job_id).update(state="running")
    assert "waiting-line" not in alice.get(page).content.decode(), "one trial runs: the study goes on"
    run_pending()


def test_a_run_that_gives_way_says_so(browser_of: Callable[[str], Client], linear_run: Callable[..., Any]) -> None:
    run = linear_run()
    Job.objects.filter(pk=run.job_id).update(state="running", signal="yield")
    for page in (f"/runs/{run.pk}/", f"/jobs/{run.job_id}/"):
        assert "Making room" in browser_of("alice").get(page).content.decode()


def test_model_pages(browser_of: Callable[[str], Client], linear_run: Callable[..., Any]) -> None:
    linear_run()
    run_pending()
    made = ModelVersion.objects.get()
    bob = browser_of("bob")
    assert "applicants: limit" in bob.get("/models/").content.decode()
    assert "v1" in bob.get(f"/models/{made.model_id}/").content.decode()
    page = bob.get(f"/models/{made.model_id}/versions/1/").content.decode()
    assert "Model card" in page and "manifest.json" in page and "applicants" in page
    assert bob.get(f"/models/{made.model_id}/versions/1/download/?file=bundle.zip").status_code == 200
    assert bob.get(f"/models/{made.model_id}/versions/99999999999999999999/").status_code == 404


def test_compare(browser_of: Callable[[str], Client], linear_run: Callable[..., Any]) -> None:
    runs = [linear_run(seed=1), linear_run(seed=2)]
    run_pending()
    page = browser_of("bob").get("/runs/compare/?ids=" + ",".join(str(run.pk) for run in runs)).content.decode()
    assert "Where the configurations differ" in page and "Seed" in page
    assert browser_of("bob").get("/runs/compare/?ids=nonsense").status_code == 302
