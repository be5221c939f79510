"""Bringing in another version: rollouts, what was seen of them, who pointed a name where, and who signed a version off."""

from __future__ import annotations

import secrets
import uuid
from functools import cached_property

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from serving.rollouts.querysets import SignOffQuerySet
from serving.rollouts.steps import Step
from serving.runtime.rollouts.alarms import Bounds


class RolloutState(models.TextChoices):
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    PROMOTED = "promoted", _("Promoted")
    ROLLED_BACK = "rolled_back", _("Rolled back")


ACTIVE = (RolloutState.RUNNING, RolloutState.PAUSED)


def new_salt() -> str:
    return secrets.token_hex(8)


class Rollout(models.Model):
    """A challenger on its way to become what a name answers with, a step at a time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="rollouts")
    champion = models.ForeignKey("training.ModelVersion", on_delete=models.CASCADE, related_name="+")
    challenger = models.ForeignKey("training.ModelVersion", on_delete=models.CASCADE, related_name="rollouts")
    # The policy in use, fitted anew for the challenger when the rollout began; null where none is in use.
    policy = models.ForeignKey("serving.DecisionPolicy", on_delete=models.SET_NULL, null=True, related_name="+")
    # [{mode, share, minutes, calls}]: see steps.py.
    steps = models.JSONField()
    # {errors, p95_ratio, disagreement}: see runtime/rollouts/alarms.py; and whether alerts of monitoring count.
    alarms = models.JSONField(default=dict)
    # Decides which keys the challenger takes; kept for the rollout's whole length, so that no key moves back.
    salt = models.CharField(max_length=32, default=new_salt)
    state = models.CharField(max_length=12, choices=RolloutState.choices, default=RolloutState.RUNNING)
    step = models.PositiveSmallIntegerField(default=0)
    step_began_at = models.DateTimeField(default=timezone.now)
    # Why it was rolled back: {alarm, value, bound, calls} or {said}. Empty otherwise.
    reason = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    # Who promoted it or rolled it back; null where the clock or an alarm did.
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["deployment"], condition=Q(state__in=["running", "paused"]), name="one_active_rollout"
            )
        ]

    def __str__(self) -> str:
        return f"{self.deployment}: v{self.champion.number} → v{self.challenger.number}"

    @property
    def department_id(self) -> uuid.UUID:
        return self.deployment.department_id

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @cached_property
    def plan(self) -> tuple[Step, ...]:
        return tuple(Step.from_json(item) for item in self.steps)

    @property
    def current(self) -> Step:
        return Step.from_json(self.steps[self.step])

    @property
    def bounds(self) -> Bounds:
        return Bounds(**{name: self.alarms.get(name) for name in ("errors", "p95_ratio", "disagreement")})


class RolloutTally(models.Model):
    """What was seen within a few seconds, or within an hour once they are past: counts, no values of rows."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="tallies")
    step = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    # serving.runtime.rollouts.tally.Tally as JSON.
    counts = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rollout", "step", "at"], name="one_tally_per_moment")]

    def __str__(self) -> str:
        return f"{self.rollout_id}, step {self.step}, {self.at}"


class Why(models.TextChoices):
    DEPLOYED = "deployed", _("Deployed")
    REPOINTED = "repointed", _("Pointed at it")
    PROMOTED = "promoted", _("Promoted")
    ROLLED_BACK = "rolled_back", _("Rolled back")


class Switch(models.Model):
    """That a name began to answer with another version: who pointed what when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    deployment = models.ForeignKey("serving.Deployment", on_delete=models.CASCADE, related_name="switches")
    before = models.ForeignKey("training.ModelVersion", on_delete=models.CASCADE, null=True, related_name="+")
    after = models.ForeignKey("training.ModelVersion", on_delete=models.CASCADE, related_name="+")
    # The policy that was in use with the version before: it comes back with it.
    policy_before = models.ForeignKey("serving.DecisionPolicy", on_delete=models.SET_NULL, null=True, related_name="+")
    why = models.CharField(max_length=12, choices=Why.choices)
    rollout = models.ForeignKey(Rollout, on_delete=models.SET_NULL, null=True, related_name="switches")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["at"]
        indexes = [models.Index(fields=["deployment", "at"])]

    def __str__(self) -> str:
        return f"{self.deployment}: {self.why} {self.after}"


class SignOffState(models.TextChoices):
    OPEN = "open", _("Waiting for an answer")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")


class SignOff(models.Model):
    """A department whose data a version learned from is asked whether it may answer callers, and says so."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    model_version = models.ForeignKey("training.ModelVersion", on_delete=models.CASCADE, related_name="sign_offs")
    # Whose managers answer, and who asks.
    owner = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    # The name that it is to answer under, as it was asked; a label.
    name = models.CharField(max_length=80)
    # Data sets of the owner that it learned from, by name as they were.
    datasets = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=SignOffState.choices, default=SignOffState.OPEN)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = SignOffQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "owner"], condition=Q(state="open"), name="one_open_sign_off_per_owner"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_version} ({self.owner})"

    @property
    def is_open(self) -> bool:
        return self.state == SignOffState.OPEN


class SignOffRule(models.Model):
    """Whether a department's models need a sign-off although they learned from its own data alone; of one deployment
    where one is named, of the whole department otherwise. Without a rule they need none."""

    department = models.ForeignKey("departments.Department", on_delete=models.CASCADE, related_name="+")
    deployment = models.OneToOneField(
        "serving.Deployment", on_delete=models.CASCADE, null=True, related_name="sign_off_rule"
    )
    always = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["department"], condition=Q(deployment=None), name="one_rule_per_department")
        ]

    def __str__(self) -> str:
        return f"{self.deployment or self.department}: {'always' if self.always else 'never'}"
