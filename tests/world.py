"""One of everything in Credit Risk, with names and cell values that must not leak."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.services import create_token
from audit.models import AuditEvent
from datasets.erasure.services import find_subject
from datasets.models import Feed
from datasets.preparation.services import create_recipe
from datasets.services import create_dataset, list_dataset
from datasets.sources.services import allow, create_source
from datasets.uploads.services import begin_upload, receive
from departments.access import actor_for
from departments.access_requests import request_access
from departments.services import create_grant
from jobs.testing import run_pending
from serving.alerts.services import raise_alert
from serving.models import Prediction, ReviewItem, SignOff
from serving.policies.services import save_policy
from serving.rollouts.services import start
from serving.rollouts.steps import Step
from serving.services import deploy
from tests.people import make_departments, make_people
from training.configuration import Request
from training.models import ModelVersion
from training.services import start_run
from training.studies import start_study
from webhooks.services import create_endpoint, ping

# Stands in the name of every object of Credit Risk, and in a cell of its data set.
NAME_CANARY = "zqname"
ROW_CANARY = "zqcell"
SECRET_CANARY = "zqsecret"
CSV = (
    "age,income,grade,defaulted\n"
    + "".join(f"{20 + i},{1000 + 37 * (i % 11)},{'zqcell' if i % 3 else 'plain'},{int(i % 5 > 2)}\n" for i in range(60))
).encode()


class World(SimpleNamespace):
    """The objects by name: dataset, version, recipe, run, study, model, model_version, deployment, job, grant, token…"""

    def fill(self, spec: str) -> Any:
        """ "dataset.pk" → the world's value; "=literal" → literal."""
        if spec.startswith("="):
            return spec[1:]
        value: Any = self
        for part in spec.split("."):
            value = getattr(value, part)
        return value

    def fill_body(self, body: Any) -> Any:
        """Replace "$dataset.pk" within a body."""
        if isinstance(body, dict):
            return {key: self.fill_body(value) for key, value in body.items()}
        if isinstance(body, list):
            return [self.fill_body(item) for item in body]
        if isinstance(body, str) and body.startswith("$"):
            return str(self.fill(body[1:]))
        return body


def make_world() -> World:
    """Make everything through the services, as its people would, with jobs run here and now."""
    departments = make_departments()
    people = make_people(departments)
    actor = actor_for(people.emil)
    dataset = create_dataset(
        actor=actor,
        department=departments.credit_risk,
        name=f"{NAME_CANARY} loans",
        file=ContentFile(CSV, name="loans.csv"),
    )
    # Everyone may know of this one by its name, which holds no mark; its rows hold the same marks as the other's.
    listed = create_dataset(
        actor=actor, department=departments.credit_risk, name="Listed loans", file=ContentFile(CSV, name="loans.csv")
    )
    run_pending()
    list_dataset(actor=actor_for(people.mona), dataset=listed, listed=True)
    version = dataset.versions.get()
    assert version.state == "ready", version.error
    steps = [{"step": "missing", "columns": ["age"], "params": {}}]
    recipe = create_recipe(actor=actor, dataset=dataset, name=f"{NAME_CANARY} recipe", steps=steps)
    quick = Request(target="defaulted", family="linear", params={"epochs": 5})
    asked = {"actor": actor, "department": departments.credit_risk, "version": version, "request": quick}
    run = start_run(**asked, name=f"{NAME_CANARY} run", model_name=f"{NAME_CANARY} model")
    search = {"learning_rate": {"low": 0.01, "high": 0.1}}
    study = start_study(**asked, search=search, trials=1, name=f"{NAME_CANARY} study")
    run_pending()
    run.refresh_from_db()
    assert run.state == "succeeded", run.error
    model_version = run.model_version
    deployment = deploy(
        actor=actor, name=f"{NAME_CANARY}-loans", department=departments.credit_risk, model_version=model_version,
        created_by_id=people.emil.pk,
    )  # fmt: skip
    policy = save_policy(
        actor=actor, version=model_version, settings={"threshold": 0.4}, reason=f"{NAME_CANARY} reason"
    )
    rollout = bring_in_another(deployment, actor)
    logged = Prediction.objects.create(
        request_id=uuid4(), deployment=deployment, model_version=model_version, rows=1, microseconds=900,
        instances=[{"age": 30, "income": 1100, "grade": ROW_CANARY}],
        answers=[{"label": 0, "probabilities": {"0": 0.5, "1": 0.5}, "decision": {"decision": None, "by": "review"}}],
    )  # fmt: skip
    review = ReviewItem.objects.create(
        department=departments.credit_risk, deployment=deployment, prediction=logged, instance=0, answered=0
    )
    erasure = find_subject(actor=actor_for(people.mona), department=departments.credit_risk, subject=ROW_CANARY)
    run_pending()
    erasure.refresh_from_db()
    waiting = start_run(**asked, name=f"{NAME_CANARY} waiting run")
    source = create_source(
        actor=actor, department=departments.credit_risk, name=f"{NAME_CANARY} source", connector="postgresql",
        params={"host": "db.invalid", "database": NAME_CANARY, "user": "reader", "password": SECRET_CANARY},
    )  # fmt: skip
    feed = Feed.objects.create(
        dataset=dataset, department=departments.credit_risk, source=source, table=f"public.{NAME_CANARY}",
        created_by=people.emil,
    )  # fmt: skip
    token, _secret = create_token(person=people.alice, name=f"{NAME_CANARY} token", scopes=["read"])
    grant = grant_to_clinic(dataset, departments, people)
    grant_to_clinic(model_version.model, departments, people)
    asked = request_access(
        actor=actor_for(people.dana), target=listed, department=departments.clinic, verbs=["preview"],
        purpose=f"{NAME_CANARY} study", days=30,
    )  # fmt: skip
    mona = {"actor": actor_for(people.mona), "department": departments.credit_risk}
    upload = begin_upload(filename=f"{NAME_CANARY}.csv", length=9, **mona)
    uploaded = receive(file=ContentFile(CSV, name=f"{NAME_CANARY} waiting.csv"), **mona)
    allowance = allow(entry="192.168.7.7")
    webhook, _secret = create_endpoint(
        **mona, name=f"{NAME_CANARY} hook", target=f"http://192.168.7.7/{SECRET_CANARY}", events=["run.finished"]
    )
    ping(actor=actor_for(people.mona), endpoint=webhook)
    return World(
        webhook=webhook, webhook_delivery=webhook.deliveries.get(),
        alert=raise_alert(deployment, "rollback", "warning", f"{NAME_CANARY} errors rose"),
        listed=listed, listed_version=listed.versions.get(), asked=asked,
        notice=people.mona.notices.latest("created_at"),
        departments=departments, people=people, department=departments.credit_risk, dataset=dataset, version=version,
        upload=upload, uploaded=uploaded,
        recipe=recipe, run=run, waiting=waiting, study=study, trial=study.trials.get(), model=model_version.model,
        model_version=model_version, deployment=deployment, policy=policy, review=review, job=version.job,
        waiting_job=waiting.job,
        rollout=rollout, sign_off=sign_off_asked(model_version, departments, people),
        grant=grant, source=source, feed=feed, allowance=allowance, token=token, erasure=erasure,
        event=AuditEvent.objects.filter(object_id=str(dataset.pk)).latest("created_at"),
    )  # fmt: skip


def bring_in_another(deployment: Any, actor: Any) -> Any:
    """A rollout in the shadow of a second version, which is the first one again."""
    version = deployment.model_version
    again = {name: getattr(version, name) for name in ("model", "department", "family", "task", "target", "storage_key",
                                                       "sha256", "manifest", "card", "created_by")}  # fmt: skip
    challenger = ModelVersion.objects.create(number=2, **again)
    return start(
        actor=actor,
        deployment=deployment,
        challenger=challenger,
        steps=[Step("shadow", 0.0, None, 0), Step("canary", 0.1)],
    )


def sign_off_asked(version: Any, departments: SimpleNamespace, people: SimpleNamespace) -> Any:
    """Dana asks for the Clinic, as if the version were the Clinic's."""
    return SignOff.objects.create(
        model_version=version, owner=departments.credit_risk, department=departments.clinic, name="clinic-scoring",
        datasets=[f"{NAME_CANARY} loans"], created_by=people.dana,
    )  # fmt: skip


def grant_to_clinic(obj: Any, departments: SimpleNamespace, people: SimpleNamespace) -> Any:
    return create_grant(
        obj=obj,
        department=departments.clinic,
        verbs=["discover", "preview", "train", "export", "predict"],
        created_by=people.mona,
        purpose="joint study",
        expires_at=timezone.now() + timedelta(days=30),
    )
