"""Forms of deployments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from departments.access import Actor, Verb
from serving.models import Deployment
from training.models import ModelVersion


class VersionField(forms.ModelChoiceField):
    """A model version by name, number and what it answers."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.model.name} v{obj.number} · {obj.target} · {obj.model.department.name}"


def deployable_by(actor: Actor) -> QuerySet[ModelVersion]:
    """The versions that the actor may deploy, newest first."""
    versions: QuerySet[ModelVersion] = ModelVersion.objects.visible_to(actor)
    own = versions.filter(department_id__in=actor.departments_with(Verb.DEPLOY))
    return own.select_related("model__department").defer("card", "manifest").order_by("-created_at")


class DeployForm(forms.Form):
    """A name for a model version."""

    model_version = VersionField(label=_("Model version"), queryset=ModelVersion.objects.none(), empty_label=None)
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("Lower-case letters, digits and hyphens. It stands in the URL and is unique in this installation."),
    )

    override_reason = forms.CharField(
        label=_("Why it may answer nevertheless"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Findings speak against this model. Your reason is kept with the model, under your name."),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model_version"].queryset = deployable_by(actor)  # type: ignore[attr-defined]


class RepointForm(forms.Form):
    """Another version that answers the same question."""

    model_version = VersionField(label=_("Model version"), queryset=ModelVersion.objects.none(), empty_label=None)

    def __init__(self, *args: Any, actor: Actor, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = deployment.model_version
        same = {"department_id": deployment.department_id, "target": now.target, "task": now.task}
        self.fields["model_version"].queryset = deployable_by(actor).filter(**same).exclude(pk=now.pk)  # type: ignore[attr-defined]
