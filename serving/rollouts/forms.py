"""Forms of rollouts and sign-offs."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from departments.access import Actor
from rest.problems import Refused
from serving.forms import VersionField, deployable_by
from serving.models import Deployment
from serving.rollouts import steps as plans
from serving.rollouts.sign_offs import LONGEST
from serving.rollouts.steps import CANARY, SHADOW, Step
from training.models import ModelVersion

SHARES = re.compile(r"[\s,;→>%]+")


class StartForm(forms.Form):
    """A challenger, its steps and its alarms."""

    model_version = VersionField(label=_("Challenger"), queryset=ModelVersion.objects.none(), empty_label=None)
    steps = forms.CharField(
        label=_("Steps"), max_length=120, initial="shadow, 5, 25, 100",
        help_text=_("Shares in percent, each larger than the one before. In the shadow the challenger answers unseen."),
    )  # fmt: skip
    minutes = forms.FloatField(
        label=_("Minutes a step"), required=False, min_value=0, max_value=plans.LONGEST, initial=10,
        help_text=_("Empty: each step lasts until somebody advances it."),
    )  # fmt: skip
    calls = forms.IntegerField(
        label=_("Calls a step, at least"), min_value=0, max_value=plans.MOST_CALLS, initial=100,
        help_text=_("Those that the challenger was asked, to answer or to compare."),
    )  # fmt: skip
    # A form has errors of its own.
    failures = forms.FloatField(label=_("Failures above, %"), required=False, min_value=0, max_value=100, initial=2)
    p95_ratio = forms.FloatField(label=_("Slower than, times"), required=False, min_value=1, max_value=1000, initial=3)
    disagreement = forms.FloatField(
        label=_("Other answers above, %"), required=False, min_value=0, max_value=100, initial=20,
        help_text=_("Empty: not watched."),
    )  # fmt: skip
    drift = forms.BooleanField(label=_("Drift is found"), required=False, initial=True)
    coverage = forms.BooleanField(label=_("Intervals cover too little"), required=False, initial=True)
    override_reason = forms.CharField(
        label=_("Why it may answer although findings speak against it"), required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip

    def __init__(self, *args: Any, actor: Actor, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = deployment.model_version
        same = {"department_id": deployment.department_id, "target": now.target, "task": now.task}
        self.fields["model_version"].queryset = deployable_by(actor).filter(**same).exclude(pk=now.pk)  # type: ignore[attr-defined]

    def clean_steps(self) -> list[tuple[str, float]]:
        """(mode, share) of each word: shadow, or a percentage."""
        words = [word for word in SHARES.split(self.cleaned_data["steps"].strip().lower()) if word]
        try:
            return [(SHADOW, 0.0) if word == SHADOW else (CANARY, float(word) / 100) for word in words]
        except ValueError:
            raise forms.ValidationError(_("Write steps such as: shadow, 5, 25, 100")) from None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            try:
                plans.check(self.plan)
            except Refused as refused:
                self.add_error("steps", refused.errors[0]["message"])
        return values

    @property
    def plan(self) -> list[Step]:
        minutes, calls = self.cleaned_data["minutes"], self.cleaned_data["calls"]
        return [Step(mode, share, minutes, calls) for mode, share in self.cleaned_data["steps"]]

    @property
    def alarms(self) -> dict[str, Any]:
        values = self.cleaned_data
        shares = {"errors": _share(values["failures"]), "disagreement": _share(values["disagreement"])}
        return {**shares, **{name: values[name] for name in ("p95_ratio", "drift", "coverage")}}


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


class ShareForm(forms.Form):
    """The slider: the challenger's share in percent; 0 is the shadow."""

    share = forms.FloatField(label=_("Share of the challenger"), min_value=0, max_value=100)


class AnswerForm(forms.Form):
    """What a manager of the data's owner says."""

    answer = forms.ChoiceField(choices=[("approve", _("Sign off")), ("refuse", _("Refuse"))])
    reason = forms.CharField(
        label=_("Reason"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It is kept with the model, under your name, and the other department reads it."),
    )  # fmt: skip


RULES = [("department", _("as the department")), ("always", _("always")), ("never", _("never"))]


class RuleForm(forms.Form):
    """Whether models of own data need a sign-off: at this name, and in the whole department."""

    deployment = forms.ChoiceField(label=_("Models of own data at this name"), choices=RULES)
    department = forms.ChoiceField(label=_("In the whole department"), choices=RULES[1:])
