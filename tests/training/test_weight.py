"""What pages cost: queries that do not grow with the rows, and no training library in a web process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from training.models import ModelVersion, RegisteredModel, Study, TrainingRun, Trial

ROOT = Path(__file__).resolve().parents[2]
LISTS = ("/runs/", "/studies/", "/models/", "/api/v1/runs/", "/api/v1/models/", "/api/v1/studies/")


def populate(people: SimpleNamespace, version: Any, count: int) -> None:
    shared = {"department": version.department, "created_by": people.alice}
    study = Study.objects.create(name="study", dataset_version=version, **shared)
    for i in range(count):
        run = TrainingRun.objects.create(
            name=f"run {i}", dataset_version=version, target="limit", task="regression", state="succeeded",
            metrics={"test": {"rmse": 1.0, "r2": 0.5}}, **shared,
        )  # fmt: skip
        if i % 2:
            Trial.objects.create(study=study, number=study.trials.count() + 1, run=run)
        model = RegisteredModel.objects.create(name=f"model {run.pk}", **shared)
        ModelVersion.objects.create(
            model=model,
            number=1,
            run=run,
            family="linear",
            task="regression",
            target="limit",
            storage_key="x",
            sha256="0",
            **shared,
        )


@pytest.mark.parametrize("path", LISTS)
def test_lists_cost_the_same_with_more_rows(
    path: str, browser_of: Callable[[str], Client], people: SimpleNamespace, version: Any
) -> None:
    alice, costs = browser_of("alice"), []
    for count in (5, 40):
        populate(people, version, count)
        with CaptureQueriesContext(connection) as queries:
            assert alice.get(path).status_code == 200
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 12, costs


def test_older_runs_are_behind_a_link(
    browser_of: Callable[[str], Client], people: SimpleNamespace, version: Any
) -> None:
    populate(people, version, 240)
    Trial.objects.all().delete()
    alice, seen, path = browser_of("alice"), [], "/runs/"
    while path:
        page = alice.get(path).context["page"]
        seen += [run.pk for run in page.rows]
        path = f"/runs/{page.older}" if page.older else ""
    assert len(seen) == len(set(seen)) == 240
    assert alice.get("/runs/?before=nonsense").status_code == 200


def test_a_web_process_imports_no_training_library(tmp_path: Path) -> None:
    code = (
        "import sys, django; django.setup();"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        "from jobs.registry import kinds; kinds();"
        "from training.engine import presets; presets.plan(rows=1000, features=9, task='binary');"
        "from training.engine.search import space, suggest; from training.engine.family import FAMILIES;"
        "suggest(space(FAMILIES['mlp'].params, {'dropout': {}}), [], seed=1);"
        "print(','.join(m for m in ('torch', 'sklearn', 'pandas') if m in sys.modules))"
    )
    env = {
        "ATRIUM_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "atrium.settings",
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=ROOT, check=True)
    assert done.stdout.strip() == ""
