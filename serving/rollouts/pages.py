"""What the page of a deployment's traffic shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from departments.access import Actor
from departments.models import Department
from serving.models import Deployment
from serving.rollouts.figures import Figures, figures_of
from serving.rollouts.forms import RuleForm
from serving.rollouts.models import Rollout, SignOff, Switch
from serving.rollouts.notices import why
from serving.rollouts.pointing import previous_of
from serving.rollouts.services import active_of
from serving.rollouts.sign_offs import missing_for, own_needs_one, rule_of
from serving.rollouts.steps import Step
from serving.rollouts.watching import bakes_until, total

HISTORY = 20


@dataclass(frozen=True, slots=True)
class StepShown:
    """A step on the timeline; of the present one also the seconds left, the share that has baked and the calls so far."""

    step: Step
    state: str  # done, now or next
    left: float | None = None
    baked: float = 0.0
    calls: int = 0
    ends: datetime | None = None

    @property
    def is_full(self) -> bool:
        return self.step.share == 1


@dataclass(frozen=True, slots=True)
class RolloutShown:
    """The rollout that is on its way, or the last one."""

    rollout: Rollout
    steps: list[StepShown]
    figures: Figures
    missing: list[str]
    why: str

    @property
    def share(self) -> float:
        return self.rollout.current.share if self.rollout.is_active else 0.0


def shown(rollout: Rollout) -> RolloutShown:
    rows = list(rollout.tallies.all())
    missing = missing_for(rollout.challenger, rollout.deployment) if rollout.is_active else []
    tried = total([row for row in rows if row.step == rollout.step]).tried
    steps = [_step(rollout, index, tried) for index in range(len(rollout.plan))]
    return RolloutShown(rollout, steps, figures_of(rows), [each.owner.name for each in missing], why(rollout))


def _step(rollout: Rollout, index: int, tried: int) -> StepShown:
    step = rollout.plan[index]
    if index != rollout.step or not rollout.is_active:
        is_past = index < rollout.step or (index == rollout.step and rollout.state == "promoted")
        return StepShown(step, "done" if is_past else "next")
    ends = bakes_until(rollout)
    if ends is None or step.minutes is None:
        return StepShown(step, "now", calls=tried)
    left = max((ends - timezone.now()).total_seconds(), 0.0)
    whole = 60 * step.minutes
    return StepShown(step, "now", left, 1 - left / whole if whole else 1.0, tried, ends)


def traffic_page(deployment: Deployment) -> dict[str, Any]:
    """The live part: the rollout on its way or else the last one, and what the name would go back to."""
    active = active_of(deployment)
    related = ("champion__model", "challenger__model", "challenger__run", "ended_by", "deployment")
    last = active or deployment.rollouts.select_related(*related).first()
    return {
        "active": active,
        "rollout": shown(last) if last else None,
        "previous": active.champion if active else previous_of(deployment),
        "switches": _history(deployment),
    }


def _history(deployment: Deployment) -> list[Switch]:
    related = ("before__model", "after__model", "by")
    heavy = [f"{version}__{part}" for version in ("before", "after") for part in ("manifest", "card")]
    return list(deployment.switches.select_related(*related).defer(*heavy).order_by("-at")[:HISTORY])


def rule_form(deployment: Deployment) -> RuleForm:
    department = "always" if own_needs_one(deployment.department_id, None) else "never"
    return RuleForm(initial={"deployment": rule_of(deployment), "department": department})


def waiting_for(actor: Actor, department: Department, most: int) -> list[SignOff]:
    """The sign-offs of a department's data that wait for the actor."""
    return list(SignOff.objects.to_decide(actor).filter(owner=department).with_names()[:most])
