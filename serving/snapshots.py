"""A deployment as its answers need it, built from the database: the Django side of `serving.runtime.answering`.

Whoever changes something that a snapshot is built from and that is not on the rows read here (`NEEDED`) calls `touch`
in the same transaction: what is served is replaced within the bound of docs/predicting.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rest.problems import Refused
from serving.explaining.explainers import reasons_of
from serving.models import DecisionPolicy, Deployment, DeploymentState
from serving.predictors import predictor_of
from serving.rollouts.models import ACTIVE, Rollout
from serving.runtime.answering import Served, Snapshot
from serving.runtime.decisions.policy import Policy
from serving.runtime.faults import InstanceErrors
from serving.uncertainty.learned import uncertainty_of
from training.models import ModelVersion
from training.revoked import data_revoked, require_usable

# The manifest and the card stay in the database.
NEEDED = (
    "id", "name", "state", "updated_at", "department_id", "model_version__model_id", "model_version__number",
    "model_version__storage_key", "model_version__sha256", "model_version__revocations",
    "model_version__run__dataset_version_id", "model_version__uncertainty__made_at", "policy__model_version_id",
    "policy__document",
)  # fmt: skip
HEAVY = ("challenger__manifest", "challenger__card")


def rows() -> QuerySet[Deployment]:
    """Deployments with what a snapshot needs of them and no more."""
    related = ("model_version__run", "model_version__uncertainty", "policy")
    return Deployment.objects.select_related(*related).only(*NEEDED)


def marks_of(deployments: Iterable[Deployment]) -> dict[UUID, tuple[Any, ...]]:
    """What tells, by deployment, whether a snapshot is still true: it is as long as this stays equal. One query for all:
    access to the data of a challenger may end while it answers, too."""
    rows = {deployment.pk: deployment for deployment in deployments}
    rollouts = Rollout.objects.filter(deployment__in=rows, state__in=ACTIVE).select_related("challenger")
    found = rollouts.only("deployment_id", "challenger__revocations")
    challenged = {rollout.deployment_id: data_revoked(rollout.challenger) for rollout in found}
    return {
        pk: (
            pk, row.updated_at, row.state, row.model_version_id, row.policy_id, data_revoked(row.model_version),
            challenged.get(pk),
        )
        for pk, row in rows.items()
    }  # fmt: skip


def touch(deployments: Iterable[UUID]) -> None:
    """Have the snapshots of these deployments built anew. Part of the caller's transaction."""
    Deployment.objects.filter(pk__in=deployments).update(updated_at=timezone.now())


def closed(deployment: Deployment) -> Refused | None:
    """Why the deployment answers nothing now, if so: it is paused (409), or its model is frozen (403)."""
    if deployment.state == DeploymentState.PAUSED:
        detail = _("“%s” is paused and answers nothing. An engineer of its department can resume it.")
        return Refused("paused", detail % deployment.name, status=409)
    try:
        require_usable(deployment.model_version)
    except Refused as frozen:
        return frozen
    return None


def opened(deployment: Deployment) -> Snapshot:
    """The snapshot of a deployment that answers. Raises Refused as `closed` and `build`."""
    refused = closed(deployment)
    if refused is not None:
        raise refused
    return build(deployment)


def build(deployment: Deployment) -> Snapshot:
    """The snapshot of a row of `rows`. Raises Refused (409) where its model's files are damaged or missing."""
    return Snapshot(
        id=str(deployment.pk),
        name=deployment.name,
        department=deployment.department_id,
        paused=deployment.state == DeploymentState.PAUSED,
        champion=served(deployment.model_version, deployment.policy),
        **_challenging(deployment),
    )


def _challenging(deployment: Deployment) -> dict[str, Any]:
    """The challenger's part while a rollout is on its way. One that cannot be loaded answers nothing; its rollout is rolled
    back when the log is next stored, where it cannot be compared."""
    rollout = (
        deployment.rollouts.filter(state__in=ACTIVE).select_related("challenger__run", "policy").defer(*HEAVY).first()
    )
    if rollout is None:
        return {}
    step = rollout.current
    try:
        challenger = served(rollout.challenger, rollout.policy)
    except Refused:
        return {}
    return {"challenger": challenger, "mode": step.mode, "share": step.share, "salt": rollout.salt}


def served(version: ModelVersion, policy: DecisionPolicy | None = None) -> Served:
    """The version with its loaded model, and the policy where it is one for this version. Raises Refused."""
    fitting = policy if policy is not None and policy.model_version_id == version.pk else None
    return Served(
        id=str(version.pk),
        number=version.number,
        predictor=predictor_of(version),
        data_version=str(version.run.dataset_version_id) if version.run else None,
        explanation=reasons_of(version),
        uncertainty=uncertainty_of(version),
        revoked=data_revoked(version),
        policy=Policy(fitting.document) if fitting else None,
    )


def warm(snapshot: Snapshot) -> None:
    """Answer once for nobody, so that the first caller does not wait for what is made at the first use."""
    for served_ in filter(None, (snapshot.champion, snapshot.challenger)):
        example = {column.name: column.example for column in served_.predictor.inputs}
        with suppress(InstanceErrors):
            served_.predictor.predict([example])
