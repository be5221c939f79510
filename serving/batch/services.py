"""Asking for the predictions of a whole table: whether it may be, whether it can be, and the job that does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from audit.services import record
from datasets import tables
from datasets.models import Dataset, DatasetVersion, VersionState
from datasets.schema import Schema
from datasets.services import insert_dataset, next_number
from departments.access import Actor, Decision, Verb, decide, require, require_in
from departments.models import Department
from departments.quotas import services as quotas
from jobs.services import enqueue
from rest.problems import Refused, invalid
from serving import snapshots
from serving.batch.mapping import Match, matches
from serving.batch.models import BatchPrediction
from serving.inputs import inputs_of
from serving.models import Deployment

FILENAME = "predictions.parquet"
KIND = "serving.batch"


def predict_dataset(
    *,
    actor: Actor,
    deployment: Deployment,
    dataset: Dataset,
    version: int | None = None,
    keep: Sequence[str] | None = None,
    name: str = "",
    department: Department | None = None,
) -> BatchPrediction:
    """Queue a job that answers every row of a version (the newest ready one) into a data set of `department`.

    `keep` names the columns that the result repeats; None: all. `department` is the deployment's where the actor creates
    there, else the actor's own. The result is a new data set, or the next version of the one that an earlier batch of
    this deployment made under this name. Raises Refused.
    """
    require(actor, Verb.PREDICT, deployment)
    source = chosen_version(dataset, version)
    home = department or _home(actor, deployment)
    require_in(actor, Verb.CREATE, home)
    decision = require_rows(actor, home, deployment, source)
    snapshots.opened(deployment)  # refused where it would answer nothing
    schema = tables.described(source, decision, actor=actor).schema
    require_match(matches(inputs_of(deployment.model_version), schema))
    kept = _kept(schema, keep)
    _require_room(home, deployment, source)
    label = name or _("%(dataset)s: predicted by %(deployment)s") % {"dataset": dataset, "deployment": deployment}
    with transaction.atomic():
        batch = _insert(actor, deployment, source, _dataset(actor, deployment, source, home, label[:120]), kept)
        details = {"dataset": str(source.dataset_id), "dataset_version": source.number, "batch": str(batch.pk)}
        record("deployment.batch", deployment, rule=decision.rule, version=batch.model_version.number, details=details)
    return batch


def chosen_version(dataset: Dataset, number: int | None) -> DatasetVersion:
    """The newest ready version, or the one of that number; Refused (422) where there is none."""
    ready = dataset.versions.filter(state=VersionState.READY).select_related("dataset").defer("profile")
    found: DatasetVersion | None = ready.filter(**({} if number is None else {"number": number})).first()
    if found is None:
        raise invalid("version" if number else "dataset", _("there is no ready version of this data set to read"))
    return found


def _home(actor: Actor, deployment: Deployment) -> Department:
    """The deployment's department where the actor may keep data sets, else the actor's own if it is one."""
    creates = actor.departments_with(Verb.CREATE)
    if deployment.department_id in creates:
        return deployment.department
    if len(creates) != 1:
        raise invalid("department", _("name the department that keeps the result"))
    return Department.objects.get(pk=creates[0])


def require_rows(actor: Actor, home: Department, deployment: Deployment, source: DatasetVersion) -> Decision:
    """The decision under which the rows are read for a result that `home` keeps.

    What another department granted may be copied, and a prediction for each row is such a copy, only with “export”.
    """
    member = actor.within(home.pk)
    require(member, Verb.PREDICT, deployment)
    decision = decide(member, Verb.EXPORT, source)
    if not decision.allowed:
        if not decide(actor, Verb.DISCOVER, source).allowed:
            require(actor, Verb.DISCOVER, source)
        detail = _(
            "“%(name)s” belongs to another department. Predictions for its rows may be kept only when the grant"
            " includes “export”: ask its owner."
        )
        raise Refused(decision.rule, detail % {"name": source.dataset.name}, status=403)
    return decision


def require_match(found: Sequence[Match]) -> None:
    """Raise Refused (422) that names each column which the model needs and the table does not have, or not as such."""
    errors = [{"field": each.name, "message": _said(each)} for each in found if each.stops]
    if errors:
        detail = _("The table does not have what the model reads. Prepare it with a recipe, or choose another one.")
        raise Refused("columns_do_not_fit", detail, status=422, errors=errors)
    if found and all(each.state == "absent" for each in found):
        detail = _("The table has none of the columns that the model reads.")
        raise Refused("columns_do_not_fit", detail, status=422)


def _said(match: Match) -> str:
    if match.state == "lacking":
        return _("the model needs this column (%(type)s), and the table has none of this name") % {"type": match.type}
    return _("the model reads %(type)s, and the table holds %(found)s") % {"type": match.type, "found": match.found}


def _kept(schema: Schema, keep: Sequence[str] | None) -> list[str]:
    if keep is None:
        return list(schema.names)
    for name in keep:
        if name not in schema.names:
            raise invalid("keep", _("the table has no column “%s”") % name[:80])
    return [name for name in schema.names if name in set(keep)]


def _require_room(home: Department, deployment: Deployment, source: DatasetVersion) -> None:
    quotas.require(home, "cpu")
    quotas.require(home, "storage")
    quotas.require(deployment.department, "predictions", source.rows or 0)


def _insert(
    actor: Actor, deployment: Deployment, source: DatasetVersion, dataset: Dataset, keep: list[str]
) -> BatchPrediction:
    home = dataset.department
    result = DatasetVersion.objects.create(
        dataset=dataset, department_id=home.pk, number=next_number(dataset), source_name=FILENAME, derived_from=source,
        origin=_origin(deployment, source), created_by_id=actor.person_id,
    )  # fmt: skip
    batch = BatchPrediction.objects.create(
        deployment=deployment, department=home, model_version=deployment.model_version, source=source, result=result,
        keep=keep, created_by_id=actor.person_id,
    )  # fmt: skip
    job = enqueue(KIND, actor=actor, department=home, payload={"batch": str(batch.pk)}, about=dataset)
    batch.job = result.job = job
    batch.save(update_fields=["job"])
    result.save(update_fields=["job"])
    return batch


def _dataset(actor: Actor, deployment: Deployment, source: DatasetVersion, home: Department, name: str) -> Dataset:
    """A new data set, or the one of this name that this deployment's batches fill."""
    made = Dataset.objects.filter(department=home, name=name, versions__batch__deployment=deployment).distinct().first()
    if made is not None:
        require(actor, Verb.EDIT, made)
        return made  # type: ignore[no-any-return]
    dataset = insert_dataset(
        department=home, name=name, is_simulated=source.dataset.is_simulated, created_by_id=actor.person_id,
        description=_("Predictions of “%(deployment)s” for the rows of “%(dataset)s”.")
        % {"deployment": deployment.name, "dataset": source.dataset.name},
    )  # fmt: skip
    record("dataset.create", dataset, details={"predicted_from": str(source.pk), "deployment": deployment.name})
    return dataset


def _origin(deployment: Deployment, source: DatasetVersion) -> dict[str, Any]:
    return {
        "kind": "batch", "deployment": deployment.name, "model_version": str(deployment.model_version_id),
        "dataset": str(source.dataset_id), "version": source.number,
    }  # fmt: skip


def batches_of(actor: Actor, deployment: Deployment) -> QuerySet[BatchPrediction]:
    """The deployment's batches whose results the actor's departments keep, newest first."""
    related = ("deployment", "department", "model_version", "source__dataset", "result__dataset", "job", "created_by")
    found = deployment.batches.filter(department__in=actor.department_ids).select_related(*related)
    return found.defer("source__profile", "result__profile", "model_version__manifest", "model_version__card")
