"""Random grants on tables full of canaries: no denied value reaches the grantee by any way, and none the audit trail."""

from __future__ import annotations

import io
import logging
import os
import zipfile
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings

from audit.models import AuditEvent
from datasets.models import Dataset
from datasets.services import create_dataset
from departments.access import actor_for
from departments.models import Grant, Membership
from departments.services import create_grant
from jobs.models import JobLog
from jobs.testing import run_pending
from tests.departments.leaks import FILE, MISSING, REJECTED, TARGET, Case, cases, leaks
from tests.people import signed_in

# More of them on a quiet machine: ATRIUM_LEAK_EXAMPLES=500.
EXAMPLES = int(os.environ.get("ATRIUM_LEAK_EXAMPLES", "8"))
RANDOM = settings(
    # Not shrunk: a case takes seconds, and a failure names what leaked where.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TRAINED = settings(RANDOM, max_examples=max(2, EXAMPLES // 4))
Step = dict[str, Any]


class Reader:
    """Somebody who reads everything that they can reach, and notes what they should not have met."""

    def __init__(self, client: Client, case: Case) -> None:
        self.client, self.denied = client, case.denied()
        self.found: list[str] = []

    def get(self, url: str, typed: str = "") -> Any:
        return self._note(url, self.client.get(url), typed)

    def post(self, url: str, body: Any, *, form: bool = False, typed: str = "") -> Any:
        kwargs = {} if form else {"content_type": "application/json"}
        return self._note(url, self.client.post(url, body, **kwargs), typed)

    def _note(self, url: str, answer: Any, typed: str) -> Any:
        assert answer.status_code < 500, (url, answer.status_code)
        for text in texts_of(answer):
            self.found += [f"{url}: {value}" for value in leaks(text, self.denied, typed=typed)]
        return answer


def texts_of(answer: Any) -> Iterator[str]:
    """The answer as text: Parquet and zip are opened, headers count too."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    yield str(dict(answer.headers))
    if content[:4] == b"PAR1":
        frame = pl.read_parquet(io.BytesIO(content))
        yield frame.write_csv()
        yield content.decode("latin-1")
    elif content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name).decode("latin-1") for name in archive.namelist())
    else:
        yield content.decode("utf-8", "replace")


@pytest.fixture
def share(
    departments: SimpleNamespace, people: SimpleNamespace, settings: Any
) -> Callable[[Case], tuple[Dataset, Grant]]:
    Membership.objects.filter(person=people.dana).update(role="manager")

    def make(case: Case) -> tuple[Dataset, Grant]:
        dataset = create_dataset(
            actor=actor_for(people.alice), department=departments.credit_risk, name="borrowed",
            file=ContentFile(case.csv(), name=f"{FILE}.csv"), options={"missing": ["", MISSING]},
        )  # fmt: skip
        run_pending()
        version = dataset.versions.get()
        assert (version.state, version.rejected_rows) == ("ready", 1), version.error
        grant = create_grant(
            obj=dataset, department=departments.clinic, verbs=case.verbs, created_by=people.mona, **case.terms
        )
        return dataset, grant

    return make


@RANDOM
@given(case=cases())
def test_nothing_denied_is_read(
    case: Case,
    share: Callable[[Case], tuple[Dataset, Grant]],
    people: SimpleNamespace,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="atrium")
    with transaction.atomic():
        dataset, grant = share(case)
        reader = Reader(signed_in(people.dana), case)
        for url in pages(dataset, grant):
            reader.get(url)
        read_rows(reader, dataset, case)
        prepare(reader, dataset, case)
        assert not reader.found, (case.terms, case.verbs, reader.found[:20])
        assert not leaks(caplog.text, case.values())
        keep_out_of_the_trail(case)
        transaction.set_rollback(True)


def pages(dataset: Dataset, grant: Grant) -> Iterator[str]:
    """Everything that shows something of the data set, or lists what there is."""
    api, own = f"/api/v1/datasets/{dataset.pk}/", f"/datasets/{dataset.pk}/"
    yield from ("/", "/datasets/", "/jobs/", "/runs/", "/notices/", "/access-requests/", f"/grants/{grant.pk}/")
    yield from (
        f"{own}?tab={tab}" for tab in ("preview", "columns", "quality", "recipe", "versions", "access", "used-by")
    )
    yield from (f"{own}progress/", f"{own}recipe/", f"{own}compare/", f"/runs/new/?dataset={dataset.pk}")
    yield from (f"/access-requests/new/dataset/{dataset.pk}/", "/search/?q=zqname", "/datasets/?column=zqname")
    yield from ("/api/v1/datasets/", api, f"{api}versions/", f"{api}versions/1/", f"{api}grants/", "/api/v1/jobs/")
    yield from (f"{api}versions/1/{part}/" for part in ("profile", "rows", "rejects", "download"))
    yield from (f"{api}versions/1/download/?as=parquet", f"/api/v1/grants/{grant.pk}/", "/api/v1/audit/")
    yield f"/api/v1/lineage/?kind=dataset&id={dataset.pk}"


def read_rows(reader: Reader, dataset: Dataset, case: Case) -> None:
    """Sort and filter by every column, those that are not there too: order and counts must not speak of the rest."""
    rows = f"/api/v1/datasets/{dataset.pk}/versions/1/rows/?"
    for name in case.columns:
        for query in (f"sort=-{name}", f"where={name}~5", f"where={name} is missing"):
            answer = reader.get(rows + quote(query, safe="=&"), typed=name)
            assert case.visible(name) or answer.status_code in (403, 422)
        reader.get(f"/datasets/{dataset.pk}/?sort={name}", typed=name)
    reader.get(f"{rows}offset=5&limit=3")
    reader.get(f"{rows}where=nothing")


def prepare(reader: Reader, dataset: Dataset, case: Case) -> None:
    """Try steps on every column, and see what the recipe page and its errors say."""
    for name, step in zip(
        case.columns, ("missing", "encode", "duplicates", "outliers", "drop", "missing"), strict=False
    ):
        body = {"dataset": str(dataset.pk), "steps": [{"step": step, "columns": [name], "params": {}}]}
        reader.post("/api/v1/recipes/preview/", body, typed=name)
    made = reader.post("/api/v1/recipes/", {"dataset": str(dataset.pk), "steps": [{"step": "missing", "params": {}}]})
    if made.status_code == 201:
        reader.get(f"/datasets/{dataset.pk}/recipe/?recipe={made.json()['id']}&step=0")
        reader.post(f"/api/v1/recipes/{made.json()['id']}/preview/", {})


def keep_out_of_the_trail(case: Case) -> None:
    """Audit and logs hold no value of a row at all, of nobody's."""
    trail = "\n".join(str(event) for event in AuditEvent.objects.values())
    assert not leaks(trail, case.values() | {REJECTED})


@TRAINED
@given(case=cases(trains=True))
def test_nothing_denied_is_learned(
    case: Case,
    share: Callable[[Case], tuple[Dataset, Grant]],
    people: SimpleNamespace,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="atrium")
    with transaction.atomic():
        dataset, _grant = share(case)
        reader = Reader(signed_in(people.dana), case)
        body = {"dataset": str(dataset.pk), "target": TARGET, "family": "linear", "params": {"epochs": 2}}
        for path in ("runs/plan/", "runs/checks/"):
            reader.post(f"/api/v1/{path}", body)
        for name in case.columns:
            reader.post("/api/v1/runs/plan/", {**body, "target": name}, typed=name)
            reader.post("/api/v1/runs/plan/", {**body, "features": [name]}, typed=name)
        answer = reader.post("/api/v1/runs/", body)
        if answer.status_code == 202:
            run_pending()
            follow(reader, answer.json()["id"], case, owner=signed_in(people.mona))
        assert not reader.found, (case.terms, reader.found[:20])
        lines = "\n".join(JobLog.objects.exclude(job__kind="datasets.ingest").values_list("message", flat=True))
        assert not leaks(lines, case.denied())
        assert not leaks(caplog.text, case.values())
        keep_out_of_the_trail(case)
        transaction.set_rollback(True)


def follow(reader: Reader, run: str, case: Case, *, owner: Client) -> None:
    """The run's pages, its model with every file of it, how its owner signs it off, and what a deployment answers."""
    found = reader.get(f"/api/v1/runs/{run}/").json()
    for url in (
        f"/runs/{run}/",
        f"/runs/{run}/head/",
        f"/api/v1/runs/{run}/metrics/",
        f"/jobs/{found['job']}/",
        f"/jobs/{found['job']}/lines/",
    ):
        reader.get(url)
    reader.get(f"/api/v1/jobs/{found['job']}/")
    reader.get(f"/api/v1/jobs/{found['job']}/log/")
    if found["state"] != "succeeded":
        return
    model = found["model_version"]
    version = f"models/{model['model']}/versions/{model['number']}/"
    for url in (f"/models/{model['model']}/", f"/{version}", f"/api/v1/{version}", f"/{version}try/"):
        reader.get(url)
    for file in ("bundle.zip", "manifest.json", "recipe.json", "model.onnx"):
        reader.get(f"/api/v1/{version}download/?file={file}")
        reader.get(f"/{version}download/?file={file}")
    sign_off(reader, model, owner)
    serve(reader, model, case)


def deploy(reader: Reader, model: dict[str, Any]) -> Any:
    return reader.post(
        "/api/v1/deployments/", {"name": "lent", "model_version": model["id"], "override_reason": "tried"}
    )


def sign_off(reader: Reader, model: dict[str, Any], owner: Client) -> None:
    """Deploying asks the owner, who refuses first and then agrees; the grantee reads the request and both answers."""
    for act, state in (("refuse", "refused"), ("approve", "approved")):
        refused = deploy(reader, model)
        assert (refused.status_code, refused.json()["code"]) == (409, "sign-off"), refused.content
        form = {"name": "lent", "model_version": model["id"], "override_reason": "tried"}
        page = reader.post("/deployments/new/", form, form=True)
        assert page.status_code == 422 and "Credit Risk: Mona" in page.content.decode()
        [asked] = [each for each in reader.get("/api/v1/sign-offs/").json()["results"] if each["state"] == "open"]
        url = f"/api/v1/sign-offs/{asked['id']}/"
        read_sign_off(reader, asked["id"])
        assert reader.post(f"{url}{act}/", {"reason": "Mine."}).status_code == 403
        said = owner.post(f"{url}{act}/", {"reason": "Looked at."}, content_type="application/json")
        assert (said.status_code, said.json()["state"]) == (200, state), said.content
        read_sign_off(reader, asked["id"])


def read_sign_off(reader: Reader, id: str) -> None:
    """Wherever a request to sign off shows: to itself, in lists, and among the notices."""
    for url in (f"/api/v1/sign-offs/{id}/", f"/sign-offs/{id}/", "/api/v1/sign-offs/", "/notices/"):
        assert reader.get(url).status_code == 200, url


def serve(reader: Reader, model: dict[str, Any], case: Case) -> None:
    made = deploy(reader, model)
    assert made.status_code == 201, made.content
    instances: list[dict[str, Any]] = [{}, {"nothing": 1}, *({name: "wrong"} for name in case.columns)]
    for instance in instances:
        typed = " ".join(instance)
        reader.post("/api/v1/deployments/lent/predict/", {"instances": [instance]}, typed=typed)
    for url in ("/deployments/lent/", "/api/v1/deployments/lent/", "/api/v1/deployments/lent/predictions/"):
        reader.get(url, typed=" ".join(case.columns))
