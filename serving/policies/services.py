"""Policies are saved beside the model, put to use by a deployment, and carried along to another version."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from rest.problems import Refused, invalid
from serving.models import Deployment
from serving.policies.evaluation import Evaluation, document_of, evaluate
from serving.policies.models import DecisionPolicy
from serving.policies.settings import checked
from training.models import ModelVersion, RegisteredModel

MAX_REASON = 2000


def save_policy(*, actor: Actor, version: ModelVersion, settings: Any, reason: str) -> DecisionPolicy:
    """Fit, judge and keep a policy for a model version; it decides nothing until a deployment uses it."""
    rule = require(actor, Verb.DEPLOY, version).rule
    if not reason.strip():
        raise invalid("reason", _("say why; whoever looks at the policy later reads it"))
    evaluation = evaluate(actor=actor, version=version, settings=checked(version, settings))
    return keep(actor=actor, evaluation=evaluation, reason=reason, rule=rule)


@transaction.atomic
def keep(*, actor: Actor, evaluation: Evaluation, reason: str, rule: str) -> DecisionPolicy:
    """Give an evaluated policy the model's next number."""
    version = evaluation.version
    model = RegisteredModel.objects.select_for_update().get(pk=version.model_id)
    number = (model.policies.aggregate(n=Max("number"))["n"] or 0) + 1
    policy: DecisionPolicy = DecisionPolicy.objects.create(
        department_id=version.department_id,
        model=model,
        model_version=version,
        number=number,
        settings=evaluation.settings,
        document=document_of(version, evaluation.settings, evaluation.calibration, number),
        figures=evaluation.figures,
        reason=reason.strip()[:MAX_REASON],
        created_by_id=actor.person_id,
    )
    record("policy.create", policy, rule=rule, version=policy.number, details={"model_version": str(version.pk)})
    return policy


@transaction.atomic
def use_policy(*, actor: Actor, deployment: Deployment, policy: DecisionPolicy | None) -> Deployment:
    """Let the deployment decide by the policy from now on, or answer without one. A policy fits one model version."""
    decision = require(actor, Verb.DEPLOY, deployment)
    deployment = Deployment.objects.select_for_update().get(pk=deployment.pk)
    if policy is not None and policy.model_version_id != deployment.model_version_id:
        detail = _(
            "Policy %(number)s was made for version %(its)s of the model and the deployment answers with another. Save "
            "its settings for the version that answers."
        )
        raise Refused(
            "policy_of_another_version", detail % {"number": policy.number, "its": policy.model_version.number}
        )
    deployment.policy = policy
    deployment.save(update_fields=["policy", "updated_at"])
    details = {"policy": policy.number if policy else None}
    record(
        "deployment.policy", deployment, rule=decision.rule, version=policy.number if policy else "", details=details
    )
    return deployment


def carried_along(*, actor: Actor, deployment: Deployment, version: ModelVersion, rule: str) -> DecisionPolicy | None:
    """The policy in use, fitted anew for another version: what was chosen stays, what was fitted is of that version.

    None where no policy is in use. Raises Refused (409) where it cannot be carried along. Part of the caller's
    transaction.
    """
    policy: DecisionPolicy | None = deployment.policy
    if policy is None or policy.model_version_id == version.pk:
        return policy
    try:
        evaluation = evaluate(actor=actor, version=version, settings=checked(version, policy.settings))
    except Refused as refused:
        detail = _(
            "The policy in use (%(number)s) cannot be carried along to %(version)s: %(why)s Change the policy, or take it out of "
            "use, and change the version then."
        )
        why = " ".join([refused.detail, *(error["message"] for error in refused.errors)])
        words = {"number": policy.number, "version": version, "why": why}
        raise Refused("policy_stays_behind", detail % words) from refused
    reason = _("Carried along from policy %(number)s, fitted anew for version %(version)s.")
    words = {"number": policy.number, "version": version.number}
    return keep(actor=actor, evaluation=evaluation, reason=reason % words, rule=rule)
