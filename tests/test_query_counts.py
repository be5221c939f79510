"""Lists ask the database equally often for ten objects and for many (E12). The counts are pinned in query_counts.json.

After a deliberate change: `ATRIUM_PIN=1 pytest tests/test_query_counts.py` writes the new counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from datasets.models import Dataset, DatasetVersion, Feed, Recipe, Source, Upload
from departments.models import AccessRequest, Grant, Notice
from jobs.models import Job
from serving.models import Alert, Deployment
from training.models import ModelVersion, RegisteredModel, Study, TrainingRun, Trial
from webhooks.models import Endpoint

PINNED = Path(__file__).with_name("query_counts.json")
LISTS = (
    "/datasets/",
    "/runs/",
    "/studies/",
    "/models/",
    "/deployments/",
    "/jobs/",
    "/",
    "/departments/credit-risk/",
    "/access-requests/",
    "/notices/",
    "/access-requests/?box=answered",
    "/api/v1/datasets/?limit=500",
    "/api/v1/uploads/?limit=500",
    "/api/v1/recipes/?limit=500",
    "/api/v1/sources/?limit=500",
    "/api/v1/feeds/?limit=500",
    "/api/v1/runs/?limit=500",
    "/api/v1/studies/?limit=500",
    "/api/v1/models/?limit=500",
    "/api/v1/deployments/?limit=500",
    "/api/v1/jobs/?limit=500",
    "/api/v1/grants/?limit=500",
    "/api/v1/access-requests/?limit=500",
    "/api/v1/notices/?limit=500",
    "/api/v1/departments/?limit=500",
    "/api/v1/alerts/?limit=500",
    "/api/v1/departments/credit-risk/webhooks/?limit=500",
    "/departments/credit-risk/webhooks/",
)


def make(count: int, departments: SimpleNamespace, people: SimpleNamespace, mark: str) -> None:
    """`count` objects of every kind in Credit Risk."""
    home, alice = departments.credit_risk, people.alice
    own = {"department": home, "created_by": alice}
    names = [f"{mark}-{i}" for i in range(count)]
    tables = Dataset.objects.bulk_create(Dataset(name=name, **own) for name in names)
    jobs = Job.objects.bulk_create(Job(kind="datasets.ingest", title=name, **own) for name in names)
    versions = DatasetVersion.objects.bulk_create(
        DatasetVersion(dataset=table, number=1, state="ready", rows=9, columns=2, source_name="a.csv", job=job, **own)
        for table, job in zip(tables, jobs, strict=True)
    )
    begun = {"length": 9, "expires_at": timezone.now() + timedelta(days=1), **own}
    Upload.objects.bulk_create(Upload(filename=name, **begun) for name in names)
    Recipe.objects.bulk_create(Recipe(dataset=table, name=table.name, **own) for table in tables)
    sources = Source.objects.bulk_create(Source(name=name, connector="postgresql", **own) for name in names)
    Feed.objects.bulk_create(Feed(dataset=t, source=s, **own) for t, s in zip(tables, sources, strict=True))
    runs = TrainingRun.objects.bulk_create(
        TrainingRun(name=name, dataset_version=version, target="y", task="binary", state="succeeded", **own)
        for name, version in zip(names, versions, strict=True)
    )
    studies = Study.objects.bulk_create(
        Study(name=name, dataset_version=version, **own) for name, version in zip(names, versions, strict=True)
    )
    Trial.objects.bulk_create(Trial(study=s, number=1, run=r) for s, r in zip(studies, runs, strict=True))
    models = RegisteredModel.objects.bulk_create(RegisteredModel(name=name, **own) for name in names)
    made = ModelVersion.objects.bulk_create(
        ModelVersion(model=model, number=1, run=run, family="linear", task="binary", target="y", sha256="0", **own)
        for model, run in zip(models, runs, strict=True)
    )
    deployments = Deployment.objects.bulk_create(
        Deployment(name=name, model_version=version, **own) for name, version in zip(names, made, strict=True)
    )
    told = {"department": home, "kind": "rollback", "severity": "warning", "details": {"name": "x", "message": "y"}}
    Alert.objects.bulk_create(Alert(deployment=each, **told) for each in deployments)
    Endpoint.objects.bulk_create(Endpoint(name=name, target="https://example.com/", sealed="", **own) for name in names)
    Grant.objects.bulk_create(
        Grant(owner=home, department=departments.clinic, object_kind="dataset", object_id=table.pk, verbs=["discover"])
        for table in tables
    )
    asked = {"owner": home, "department": departments.clinic, "object_kind": "dataset", "verbs": ["preview"], "days": 9}
    AccessRequest.objects.bulk_create(
        AccessRequest(object_id=table.pk, state=state, purpose="p", created_by=people.dana, **asked)
        for table in tables
        for state in ("open", "refused")
    )
    details = {"department": "Clinic", "name": "loans"}
    Notice.objects.bulk_create(
        Notice(person=people.mona, kind="request.made", key=name, path="/", details=details) for name in names
    )


@pytest.fixture
def counted(
    departments: SimpleNamespace, people: SimpleNamespace, browser_of: Callable[[str], Client]
) -> Callable[[str], dict[str, int]]:
    def count(mark: str) -> dict[str, int]:
        mona = browser_of("mona")
        found = {}
        for url in LISTS:
            with CaptureQueriesContext(connection) as asked:
                assert mona.get(url).status_code == 200, url
            found[url] = len(asked)
        return found

    return count


def test_ten_objects_and_many_cost_the_same(
    departments: SimpleNamespace, people: SimpleNamespace, counted: Callable[[str], dict[str, int]]
) -> None:
    make(10, departments, people, "few")
    few = counted("few")
    make(390, departments, people, "many")
    assert counted("many") == few
    if os.environ.get("ATRIUM_PIN"):
        PINNED.write_text(json.dumps(few, indent=2) + "\n")
    assert few == json.loads(PINNED.read_text())
