"""From asking for a run to its model version, through the job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.storage import default_storage

from jobs.testing import run_pending
from training.models import ModelVersion


def test_it_works(linear_run: Callable[..., Any]) -> None:
    run = linear_run()
    assert run.current_state == "queued"
    (job,) = run_pending()
    assert job.state == "succeeded", job.error
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert run.metrics["test"]["r2"] > 0.9 > run.baseline["test"]["r2"]
    assert run.points.count() > 5
    version = ModelVersion.objects.get(run=run)
    assert (version.number, version.family, version.target) == (1, "linear", "limit")
    assert version.card["dataset"]["version"] == 1
    assert default_storage.exists(f"{version.storage_key}/manifest.json")
