"""Bringing in a challenger: begun, moved a step on, paused, promoted, rolled back; by people, by the clock, by alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from rest.problems import Refused, invalid
from serving.gates import check_same_answer, let_through
from serving.models import Deployment
from serving.policies.services import carried_along
from serving.predictors import predictor_of
from serving.rollouts import steps as plans
from serving.rollouts.models import ACTIVE, Rollout, RolloutState, Why
from serving.rollouts.notices import alert_of, close_alerts, tell_promoted
from serving.rollouts.pointing import point, policy_of, previous_of
from serving.rollouts.sign_offs import ask, missing_for, require_signed
from serving.rollouts.steps import Mode, Step
from serving.snapshots import touch
from training.models import ModelVersion
from training.revoked import require_usable

DEFAULT_ALARMS = {"errors": 0.02, "p95_ratio": 3.0, "disagreement": 0.2, "drift": True, "coverage": True}
LONGEST_REASON = 500


def active_of(deployment: Deployment) -> Rollout | None:
    """The rollout that runs or is paused, if any."""
    related = ("champion__model", "challenger__model", "challenger__run", "deployment")
    found: Rollout | None = deployment.rollouts.filter(state__in=ACTIVE).select_related(*related).first()
    return found


def start(
    *,
    actor: Actor,
    deployment: Deployment,
    challenger: ModelVersion,
    steps: Sequence[Step] = plans.DEFAULT,
    alarms: Mapping[str, Any] | None = None,
    override_reason: str = "",
) -> Rollout:
    """Begin to bring `challenger` in. Its files are loaded and its findings judged first, as when it is deployed.

    A policy in use is fitted anew for it. A sign-off that is needed and missing is asked for at once; only a step that
    gives answers to callers waits for it.
    Raises Refused: 409 `rollout-active`, `open-findings`, `sign-off`; 422 for what cannot be.
    """
    decision = require(actor, Verb.DEPLOY, deployment)
    require(actor, Verb.DEPLOY, challenger)
    check_same_answer(deployment, challenger)
    if challenger.pk == deployment.model_version_id:
        raise invalid("model_version", _("this version answers already; choose another one"))
    plans.check(steps)
    kept = {**DEFAULT_ALARMS, **(alarms or {})}
    predictor_of(challenger)
    let_through(actor, challenger, override_reason)
    if steps[0].is_live:
        require_signed(actor=actor, version=challenger, name=deployment.name, deployment=deployment)
    elif missing := missing_for(challenger, deployment):
        ask(actor=actor, version=challenger, name=deployment.name, missing=missing)
    with transaction.atomic():
        policy = carried_along(actor=actor, deployment=deployment, version=challenger, rule=decision.rule)
        rollout = _begin(
            deployment, challenger=challenger, policy=policy, alarms=kept, created_by_id=actor.person_id,
            steps=[step.as_json() for step in steps],
        )  # fmt: skip
        close_alerts(rollout)
        details = {"challenger": str(challenger.pk), "steps": rollout.steps, "alarms": kept}
        record("rollout.start", rollout, rule=decision.rule, version=challenger.number, details=details)
    return rollout


def _begin(deployment: Deployment, **values: Any) -> Rollout:
    # The row as it is now: a version that another request pointed at meanwhile is the champion.
    locked = Deployment.objects.select_for_update(of=("self",)).select_related("model_version").get(pk=deployment.pk)
    try:
        with transaction.atomic():
            rollout = Rollout.objects.create(deployment=locked, champion=locked.model_version, **values)
    except IntegrityError:
        raise running_already() from None
    touch([locked.pk])
    return rollout


def running_already() -> Refused:
    detail = _("A rollout of this name is on its way. Advance it to its end or roll it back first.")
    return Refused("rollout-active", detail)


def advance(*, actor: Actor | None, rollout: Rollout, from_step: int | None = None) -> Rollout:
    """Take the next step, or promote the challenger after the last one. `actor` is None for the clock.

    `from_step` is the step that the caller saw: whoever comes second is refused (409, `moved-on`) and skips none.
    """
    rule = require(actor, Verb.DEPLOY, rollout.deployment).rule if actor is not None else "clock"
    seen = rollout.step if from_step is None else from_step
    following = rollout.plan[seen + 1] if seen + 1 < len(rollout.plan) else None
    if actor is not None and (following is None or following.is_live):
        version, deployment = rollout.challenger, rollout.deployment
        require_signed(actor=actor, version=version, name=deployment.name, deployment=deployment)
    with transaction.atomic():
        locked = _locked(rollout)
        if locked.step != seen:
            raise plans.moved_on()
        if following is None:
            return _promote(locked, actor, rule)
        locked.step, locked.step_began_at = seen + 1, timezone.now()
        locked.state = RolloutState.RUNNING
        locked.save(update_fields=["step", "step_began_at", "state"])
        touch([locked.deployment_id])
        record("rollout.advance", locked, rule=rule, version=locked.challenger.number, details=following.as_json())
    return locked


def promote(*, actor: Actor, rollout: Rollout) -> Rollout:
    """Let the challenger answer everybody at once, whatever steps are left."""
    decision = require(actor, Verb.DEPLOY, rollout.deployment)
    deployment = rollout.deployment
    require_signed(actor=actor, version=rollout.challenger, name=deployment.name, deployment=deployment)
    with transaction.atomic():
        return _promote(_locked(rollout), actor, decision.rule)


def _promote(locked: Rollout, actor: Actor | None, rule: str) -> Rollout:
    _end(locked, RolloutState.PROMOTED, actor)
    by_id = actor.person_id if actor is not None else None
    point(locked.deployment, locked.challenger, locked.policy, why=Why.PROMOTED, by_id=by_id, rollout=locked)
    record("rollout.promote", locked, rule=rule, version=locked.challenger.number)
    tell_promoted(locked)
    return locked


def hold(*, actor: Actor, rollout: Rollout) -> Rollout:
    """Stay at this step: the share stays, the alarms watch on, the clock takes no step."""
    return _set_state(actor, rollout, RolloutState.PAUSED, "rollout.pause")


def resume(*, actor: Actor, rollout: Rollout) -> Rollout:
    """Let the clock take steps again."""
    return _set_state(actor, rollout, RolloutState.RUNNING, "rollout.resume")


@transaction.atomic
def _set_state(actor: Actor, rollout: Rollout, state: RolloutState, verb: str) -> Rollout:
    decision = require(actor, Verb.DEPLOY, rollout.deployment)
    locked = _locked(rollout)
    if locked.state != state:
        locked.state = state
        locked.save(update_fields=["state"])
        record(verb, locked, rule=decision.rule)
    return locked


def reshare(*, actor: Actor, rollout: Rollout, mode: Mode, share: float) -> Rollout:
    """Give the challenger another share at this step; of the steps after it stay those that still give it more."""
    decision = require(actor, Verb.DEPLOY, rollout.deployment)
    deployment = rollout.deployment
    if mode == plans.CANARY:
        require_signed(actor=actor, version=rollout.challenger, name=deployment.name, deployment=deployment)
    with transaction.atomic():
        locked = _locked(rollout)
        step = replace(locked.current, mode=mode, share=share)
        later = [each for each in locked.plan[locked.step + 1 :] if each.share > share]
        plans.check([step, *later])
        locked.steps = [each.as_json() for each in (*locked.plan[: locked.step], step, *later)]
        locked.step_began_at = timezone.now()
        locked.save(update_fields=["steps", "step_began_at"])
        touch([locked.deployment_id])
        record("rollout.reshare", locked, rule=decision.rule, details=step.as_json())
    return locked


@transaction.atomic
def roll_back(*, actor: Actor | None, rollout: Rollout, reason: Mapping[str, Any] | None = None) -> Rollout:
    """Take the challenger away; the champion answers everything. `actor` is None for an alarm, which `reason` tells of."""
    rule = require(actor, Verb.DEPLOY, rollout.deployment).rule if actor is not None else "alarm"
    locked = _locked(rollout)
    locked.reason = dict(reason or {})
    _end(locked, RolloutState.ROLLED_BACK, actor)
    touch([locked.deployment_id])
    record("rollout.roll_back", locked, rule=rule, version=locked.challenger.number, details=locked.reason)
    if "alarm" in locked.reason:
        alert_of(locked)
    return locked


def go_back(*, actor: Actor, deployment: Deployment, said: str = "") -> ModelVersion:
    """One click back: out of the rollout that is on its way, or to what answered before. Returns what answers now.

    What answered before is not judged anew, it only must be able to answer. Raises Refused (409, `nothing-before`).
    """
    decision = require(actor, Verb.DEPLOY, deployment)
    if len(said) > LONGEST_REASON:
        raise invalid("reason", _("at most %d characters") % LONGEST_REASON)
    rollout = active_of(deployment)
    if rollout is not None:
        return roll_back(actor=actor, rollout=rollout, reason={"said": said} if said else None).champion
    before = previous_of(deployment)
    if before is None:
        raise Refused(
            "nothing-before", _("No other version answered before this one; point the name at another version.")
        )
    require_usable(before)
    predictor_of(before)
    with transaction.atomic():
        locked = (
            Deployment.objects.select_for_update(of=("self",)).select_related("model_version").get(pk=deployment.pk)
        )
        if locked.model_version_id != deployment.model_version_id:
            raise plans.moved_on()
        point(locked, before, policy_of(locked, before), why=Why.ROLLED_BACK, by_id=actor.person_id)
        record("deployment.roll_back", locked, rule=decision.rule, version=before.number)
    deployment.model_version = before
    return before


def require_no_rollout(deployment: Deployment) -> None:
    """Raise Refused (409, `rollout-active`): who answers is the rollout's matter until it ends. Holds the deployment's row."""
    Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk)
    if deployment.rollouts.filter(state__in=ACTIVE).exists():
        raise running_already()


def _locked(rollout: Rollout) -> Rollout:
    """The rollout as it is now, held until the transaction ends. Raises Refused (409) where it ended meanwhile."""
    related = ("deployment__model_version__model", "champion__model", "challenger__model")
    found: Rollout = Rollout.objects.select_for_update(of=("self",)).select_related(*related).get(pk=rollout.pk)
    if not found.is_active:
        raise Refused("rollout-ended", _("This rollout has ended: %s.") % found.get_state_display())
    return found


def _end(rollout: Rollout, state: RolloutState, actor: Actor | None) -> None:
    rollout.state, rollout.ended_at = state, timezone.now()
    rollout.ended_by_id = actor.person_id if actor is not None else None
    rollout.save(update_fields=["state", "reason", "ended_at", "ended_by"])
