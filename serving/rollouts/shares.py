"""Traffic as a program sets it: which versions answer, each with its share. What it means is told by what is different now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from departments.access import Actor
from rest.problems import invalid
from serving import services as deployments
from serving.models import Deployment
from serving.rollouts import services
from serving.rollouts.models import Rollout
from serving.rollouts.services import active_of
from serving.rollouts.steps import CANARY, SHADOW, Step
from training.models import ModelVersion

LIVE = "live"
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Part:
    """A version, and the share of the callers that get its answers; none of them in the shadow."""

    version: ModelVersion
    share: float
    mode: Literal["live", "shadow"] = "live"


def traffic_of(deployment: Deployment, rollout: Rollout | None) -> list[dict[str, Any]]:
    """Who answers now, as the API shows it: {version, number, share, mode}."""
    if rollout is None:
        return [_shown(deployment.model_version, 1.0, LIVE)]
    step = rollout.current
    mode = LIVE if step.is_live else SHADOW
    return [_shown(rollout.champion, 1.0 - step.share, LIVE), _shown(rollout.challenger, step.share, mode)]


def _shown(version: ModelVersion, share: float, mode: str) -> dict[str, Any]:
    return {"version": str(version.pk), "number": version.number, "share": round(share, 6), "mode": mode}


def set_traffic(*, actor: Actor, deployment: Deployment, parts: Sequence[Part], override_reason: str = "") -> None:
    """Make the traffic be this: begins, changes, completes or rolls back a rollout, or points at another version.

    A rollout that is begun so has one step, which lasts until somebody changes it. Raises Refused.
    """
    _check(parts)
    champion, rollout = deployment.model_version_id, active_of(deployment)
    others = [part for part in parts if part.version.pk != champion]
    if not others:
        if rollout is not None:
            services.roll_back(actor=actor, rollout=rollout)
        return
    other = others[0]
    if rollout is not None and rollout.challenger_id != other.version.pk:
        raise services.running_already()
    if other.mode == LIVE and other.share == 1:
        _complete(actor, deployment, rollout, other.version, override_reason)
        return
    if len(others) > 1:
        raise invalid("traffic", _("the version that answers now must be among them, unless one other gets everything"))
    mode = SHADOW if other.mode == SHADOW else CANARY
    share = other.share if mode == CANARY else 0.0
    if rollout is not None:
        services.reshare(actor=actor, rollout=rollout, mode=mode, share=share)
    else:
        services.start(
            actor=actor, deployment=deployment, challenger=other.version, override_reason=override_reason,
            steps=[Step(mode, share, minutes=None, calls=0)],
        )  # fmt: skip


def _complete(
    actor: Actor, deployment: Deployment, rollout: Rollout | None, version: ModelVersion, override_reason: str
) -> None:
    if rollout is not None:
        services.promote(actor=actor, rollout=rollout)
    else:
        deployments.repoint(actor=actor, deployment=deployment, model_version=version, override_reason=override_reason)


def _check(parts: Sequence[Part]) -> None:
    if not 1 <= len(parts) <= 2 or len({part.version.pk for part in parts}) < len(parts):
        raise invalid("traffic", _("give one version, or two different ones"))
    live = [part.share for part in parts if part.mode == LIVE]
    if not live or any(share <= 0 for share in live) or abs(sum(live) - 1) > ROUNDING:
        raise invalid("traffic", _("the shares of the versions that answer are above 0 and add up to 1"))
