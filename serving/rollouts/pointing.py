"""Who pointed a name at which version, and which version it would go back to."""

from __future__ import annotations

from uuid import UUID

from serving.models import DecisionPolicy, Deployment
from serving.rollouts.models import Rollout, Switch, Why
from training.models import ModelVersion


def point(
    deployment: Deployment,
    version: ModelVersion,
    policy: DecisionPolicy | None,
    *,
    why: Why,
    by_id: UUID | None,
    rollout: Rollout | None = None,
) -> None:
    """Let the name answer with `version` and its policy, and keep who did it. Part of the caller's transaction."""
    Switch.objects.create(
        deployment=deployment, before=deployment.model_version, policy_before=deployment.policy, after=version, why=why,
        rollout=rollout, by_id=by_id,
    )  # fmt: skip
    deployment.model_version, deployment.policy = version, policy
    deployment.save(update_fields=["model_version", "policy", "updated_at"])


def policy_of(deployment: Deployment, version: ModelVersion) -> DecisionPolicy | None:
    """The policy that was in use when the name last left that version."""
    left = deployment.switches.filter(before=version).select_related("policy_before").order_by("-at").first()
    return left.policy_before if left is not None else None


def previous_of(deployment: Deployment) -> ModelVersion | None:
    """What answered before, going back farther with every rollback; None when there is nothing before."""
    related = ("before__model", "after__model")
    switches = list(deployment.switches.select_related(*related).order_by("at"))
    trail: list[ModelVersion] = [switches[0].before] if switches and switches[0].before else []
    for switch in switches:
        if switch.why == Why.ROLLED_BACK and len(trail) > 1:
            trail.pop()
        else:
            trail.append(switch.after)
    return trail[-2] if len(trail) > 1 else None
