"""`{% load try_it %}`: the try-it form of a model version, for any page that has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import reverse

from departments.access import Verb, decide
from serving.runtime.predictor import key_of
from serving.what_if import FIRST, Control, controls_of
from training.models import ModelVersion

register = template.Library()


@dataclass(frozen=True, slots=True)
class TryIt:
    """What the partial draws. `refusal` says why somebody may look at the model and not ask it."""

    id: str
    url: str
    why_url: str
    change_url: str
    controls: list[Control]
    labels: list[str]
    locked: list[str]
    refusal: str

    @property
    def first(self) -> list[Control]:
        return self.controls[:FIRST]

    @property
    def more(self) -> list[Control]:
        return self.controls[FIRST:]


@register.simple_tag(takes_context=True)
def try_it(context: dict[str, Any], version: ModelVersion) -> TryIt:
    """`{% try_it model_version as form %}`: on a deployment's page, what its policy locks is shown as locked."""
    decision = decide(context["request"].actor, Verb.PREDICT, version)
    deployment = context.get("deployment")
    policy = deployment.policy if deployment and deployment.model_version_id == version.pk else None
    place = [version.model_id, version.number]
    return TryIt(
        id=f"try-{version.pk.hex[:8]}",
        url=reverse("serving:try", args=place),
        why_url=reverse("serving:why", args=place),
        change_url=reverse("serving:change", args=place),
        controls=controls_of(version) if decision.allowed else [],
        labels=[key_of(label) for label in version.manifest.get("classes") or ()] if decision.allowed else [],
        locked=list(policy.settings.get("locked") or ()) if decision.allowed and policy else [],
        refusal="" if decision.allowed else decision.detail,
    )
