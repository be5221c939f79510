"""Poor trials end early, and only those; what breaks a limit is not chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from jobs.models import Job
from jobs.testing import run_pending
from training.models import ModelVersion, Study, TrainingRun, Trial

Api = Callable[..., APIClient]


@pytest.fixture
def body(version: Any) -> dict[str, Any]:
    """Rates of which the smallest learn next to nothing in 27 epochs."""
    return {
        "dataset": str(version.dataset_id),
        "target": "limit",
        "family": "linear",
        "params": {"epochs": 27, "optimiser": "adamw", "batch_size": 16, "patience": None},
        "search": {"learning_rate": [0.1, 0.08, 0.06, 1e-7, 2e-7, 3e-7]},
        "trials": 12,
        "parallel": 1,
        "warm_start": False,
    }


def start(api_of: Api, body: dict[str, Any], **changes: Any) -> Study:
    answer = api_of("alice").post("/api/v1/studies/", {**body, **changes})
    assert answer.status_code == 202, answer.data
    run_pending()
    return Study.objects.get(pk=answer.data["id"])


def test_a_poor_trial_ends_at_a_rung_and_says_why(api_of: Api, body: dict[str, Any]) -> None:
    study = start(api_of, body, pruner="asha")
    listed = api_of("alice").get(f"/api/v1/studies/{study.pk}/trials/?limit=100").json()["results"]
    ended = [trial for trial in listed if trial["state"] == "pruned"]
    assert ended and study.state == "succeeded"
    for trial in ended:
        why = trial["pruned"]
        assert trial["value"] is None and why["value"] > why["bar"]
        assert why["unit"] in (1, 3, 9) and why["counted"] == "epochs"
        run = TrainingRun.objects.select_related("job").get(pk=trial["run"])
        assert run.points.order_by("-step").first().step == why["step"], "it went on after its end"
        assert run.job is not None and run.job.state == "succeeded" and "artifact" not in run.report
        assert run.job.lines.filter(message__contains="Ended early after").exists()
    assert {trial["params"]["learning_rate"] for trial in ended} & {1e-7, 2e-7, 3e-7}
    best = study.trials.get(number=api_of("alice").get(f"/api/v1/studies/{study.pk}/").json()["best_trial"])
    assert best.params["learning_rate"] > 0.01 and ModelVersion.objects.get().run_id == best.run_id


def test_the_same_order_of_events_ends_the_same_trials(api_of: Api, body: dict[str, Any]) -> None:
    first, second = (start(api_of, body, pruner="hyperband") for _time in range(2))
    told = [list(study.trials.values_list("params", "value", "rungs", "pruned")) for study in (first, second)]
    assert told[0] == told[1]


@pytest.mark.parametrize("pruner", ["none", "median"])
def test_the_median_spares_the_first_and_none_spares_all(api_of: Api, body: dict[str, Any], pruner: str) -> None:
    study = start(api_of, body, pruner=pruner)
    states = list(study.trials.values_list("run__state", flat=True))
    assert set(states[:4]) == {"succeeded"}
    assert ("pruned" in states) == (pruner == "median")


def test_a_killed_attempt_learns_its_verdict_again(api_of: Api, body: dict[str, Any]) -> None:
    """The worker died between the verdict and the end of the run: the next attempt ends at once."""
    api_of("alice").post("/api/v1/studies/", {**body, "pruner": "asha", "trials": 1})
    verdict = {"step": 10, "unit": 1, "counted": "epochs", "value": 2.0, "bar": 1.0}
    Trial.objects.update(pruned=verdict, rungs={"1": 2.0})
    run_pending()
    trial = Trial.objects.select_related("run").get()
    assert trial.run.state == "pruned" and trial.pruned == verdict and not trial.run.points.exists()


def test_what_breaks_a_limit_is_marked_and_not_chosen(api_of: Api, body: dict[str, Any]) -> None:
    hidden = {"hidden": [[4], [64, 64]]}
    params = {"epochs": 6, "batch_size": 32}
    asked = {**body, "family": "mlp", "params": params, "search": hidden, "trials": 6}
    free = start(api_of, asked)
    sizes = {tuple(trial.params["hidden"]): trial.size_bytes or 0 for trial in free.trials.all()}
    limit = (sizes[4,] + sizes[64, 64]) / 2 / 1e6
    study = start(api_of, asked, limits={"size_mb": limit, "latency_ms": 1000})
    for trial in study.trials.all():
        assert trial.latency_ms and 0 < trial.latency_ms < 1000
        assert trial.feasible == (trial.params["hidden"] == [4])
        assert (trial.excess["size_mb"] > 0) != trial.feasible
    best = api_of("alice").get(f"/api/v1/studies/{study.pk}/").json()["best_trial"]
    assert study.trials.get(number=best).feasible
    over = study.trials.filter(feasible=False).first()
    assert over is not None
    refused = api_of("alice").post(f"/api/v1/studies/{study.pk}/promote/", {"trial": over.number})
    assert (refused.status_code, refused.json()["code"]) == (409, "limits_not_kept")


def test_a_limit_that_no_trial_keeps_ends_with_the_nearest(api_of: Api, body: dict[str, Any]) -> None:
    study = start(api_of, body, trials=2, limits={"size_mb": 0.001})
    assert study.state == "failed" and study.error is not None
    assert study.error["code"] == "limits_not_kept" and "over by" in study.error["detail"]
    assert not ModelVersion.objects.exists()


def test_the_time_of_the_study_ends_it_with_the_best(
    api_of: Api, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.utils import timezone

    answer = api_of("alice").post("/api/v1/studies/", {**body, "parallel": 3, "total_time_limit": 3600})
    assert Job.objects.filter(state="queued", kind="training.run").count() == 3
    run_pending(limit=1)
    Study.objects.update(began_at=timezone.now() - timezone.timedelta(seconds=3601))
    run_pending()
    study = Study.objects.get(pk=answer.data["id"])
    assert (study.state, study.ended_by) == ("succeeded", "time limit")
    states = sorted(study.trials.values_list("run__state", flat=True))
    assert states.count("cancelled") == 3 and states.count("succeeded") == 1
    assert ModelVersion.objects.count() == 1
