"""Names that answer: deployed, pointed elsewhere, paused, resumed, deleted."""

from __future__ import annotations

import re
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from departments.models import Department
from rest.problems import Refused, invalid
from serving.gates import check_same_answer, let_through
from serving.models import Deployment, DeploymentState
from serving.policies.services import carried_along
from serving.predictors import predictor_of
from serving.rollouts.models import Switch, Why
from serving.rollouts.pointing import point
from serving.rollouts.services import require_no_rollout
from serving.rollouts.sign_offs import require_signed
from training.models import ModelVersion
from training.revoked import require_usable

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")
RESERVED = {"new"}


def deploy(
    *,
    actor: Actor,
    name: str,
    department: Department | None,
    model_version: ModelVersion,
    created_by_id: UUID | None,
    override_reason: str = "",
) -> Deployment:
    """Let `name` answer predictions with `model_version`, in the department that owns the model.

    The artifact is loaded first: a name never points at files that cannot answer. Findings that are open close the way
    (409), unless `override_reason` says why they may pass; so does a sign-off that is needed and missing (409).
    """
    decision = require(actor, Verb.DEPLOY, model_version)
    _check_name(name)
    if department is not None and department.pk != model_version.department_id:
        raise invalid("department", _("a model is deployed in the department that owns it"))
    predictor_of(model_version)
    let_through(actor, model_version, override_reason)
    require_signed(actor=actor, version=model_version, name=name)
    return _create(name, model_version, decision.rule, created_by_id)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid("name", _("1 to 80 lower-case letters, digits and hyphens, with no hyphen at either end"))
    if name in RESERVED:
        raise invalid("name", _("“%s” is taken by a page; choose another name") % name)


@transaction.atomic
def _create(name: str, version: ModelVersion, rule: str, created_by_id: UUID | None) -> Deployment:
    try:
        with transaction.atomic():
            deployment = Deployment.objects.create(
                name=name, department_id=version.department_id, model_version=version, created_by_id=created_by_id
            )
    except IntegrityError:
        detail = _("The name “%s” is in use in this installation. Choose another one.") % name
        raise Refused("exists", detail, errors=[{"field": "name", "message": detail}]) from None
    Switch.objects.create(deployment=deployment, after=version, why=Why.DEPLOYED, by_id=created_by_id)
    record("deployment.create", deployment, rule=rule, version=version.number, details=_pointing(version))
    return deployment


def repoint(
    *, actor: Actor, deployment: Deployment, model_version: ModelVersion, override_reason: str = ""
) -> Deployment:
    """Let the name answer with another version. Requests that are being answered finish with the one they began with.

    Findings and sign-offs are judged as by `deploy`. A policy in use is fitted anew for the version (409 where it cannot
    be). While a rollout is on its way it is refused (409).
    """
    decision = require(actor, Verb.DEPLOY, deployment)
    require(actor, Verb.DEPLOY, model_version)
    check_same_answer(deployment, model_version)
    predictor_of(model_version)
    let_through(actor, model_version, override_reason)
    require_signed(actor=actor, version=model_version, name=deployment.name, deployment=deployment)
    with transaction.atomic():
        require_no_rollout(deployment)
        policy = carried_along(actor=actor, deployment=deployment, version=model_version, rule=decision.rule)
        point(deployment, model_version, policy, why=Why.REPOINTED, by_id=actor.person_id)
        details = _pointing(model_version)
        record("deployment.repoint", deployment, rule=decision.rule, version=model_version.number, details=details)
    return deployment


def pause(*, actor: Actor, deployment: Deployment) -> Deployment:
    """Answer 409 until resumed."""
    return _set_state(actor, deployment, DeploymentState.PAUSED, "deployment.pause")


def resume(*, actor: Actor, deployment: Deployment) -> Deployment:
    """Answer again; a model that is frozen since access to its data ended does not."""
    require(actor, Verb.DEPLOY, deployment)
    require_usable(deployment.model_version)
    return _set_state(actor, deployment, DeploymentState.ACTIVE, "deployment.resume")


@transaction.atomic
def _set_state(actor: Actor, deployment: Deployment, state: str, verb: str) -> Deployment:
    decision = require(actor, Verb.DEPLOY, deployment)
    if deployment.state != state:
        deployment.state = state
        deployment.save(update_fields=["state", "updated_at"])
        record(verb, deployment, rule=decision.rule)
    return deployment


@transaction.atomic
def delete(*, actor: Actor, deployment: Deployment) -> None:
    """Take the name away, with its log of predictions. Managers only: what was answered is forgotten."""
    decision = require(actor, Verb.MANAGE, deployment)
    record("deployment.delete", deployment, rule=decision.rule, details=_pointing(deployment.model_version))
    deployment.delete()


def _pointing(version: ModelVersion) -> dict[str, str]:
    return {"model": str(version.model_id), "model_version": str(version.pk)}
