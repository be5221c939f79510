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
from serving.models import Deployment, DeploymentState
from serving.policies.services import carried_along
from serving.predictors import predictor_of
from training.models import ModelVersion
from training.overrides import override, require_none_open
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
    (409), unless `override_reason` says why they may pass.
    """
    decision = require(actor, Verb.DEPLOY, model_version)
    _check_name(name)
    if department is not None and department.pk != model_version.department_id:
        raise invalid("department", _("a model is deployed in the department that owns it"))
    predictor_of(model_version)
    _let_through(actor, model_version, override_reason)
    return _create(name, model_version, decision.rule, created_by_id)


def _let_through(actor: Actor, version: ModelVersion, reason: str) -> None:
    if reason:
        override(actor=actor, version=version, reason=reason)
    require_none_open(version)


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
    record("deployment.create", deployment, rule=rule, version=version.number, details=_pointing(version))
    return deployment


def repoint(
    *, actor: Actor, deployment: Deployment, model_version: ModelVersion, override_reason: str = ""
) -> Deployment:
    """Let the name answer with another version. Requests that are being answered finish with the one they began with.

    Findings are judged as by `deploy`. A policy in use is fitted anew for the version (409 where it cannot be).
    """
    decision = require(actor, Verb.DEPLOY, deployment)
    require(actor, Verb.DEPLOY, model_version)
    _check_same_answer(deployment, model_version)
    predictor_of(model_version)
    _let_through(actor, model_version, override_reason)
    with transaction.atomic():
        deployment.policy = carried_along(actor=actor, deployment=deployment, version=model_version, rule=decision.rule)
        deployment.model_version = model_version
        deployment.save(update_fields=["model_version", "policy", "updated_at"])
        details = _pointing(model_version)
        record("deployment.repoint", deployment, rule=decision.rule, version=model_version.number, details=details)
    return deployment


def _check_same_answer(deployment: Deployment, version: ModelVersion) -> None:
    """Callers of a name rely on what it answers: the target and its kind stay."""
    if version.department_id != deployment.department_id:
        raise invalid("model_version", _("a model is deployed in the department that owns it"))
    now = deployment.model_version
    if (now.target, now.task) != (version.target, version.task):
        detail = _(
            "This name answers “%(target)s” (%(task)s); deploy a model that answers something else under its own name"
        )
        raise invalid("model_version", detail % {"target": now.target, "task": now.task})


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
