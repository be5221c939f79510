"""`{% load certainty %}`: what a model version knows of its own errors, for any page that shows one."""

from __future__ import annotations

from typing import Any

from django import template

from serving.uncertainty import shown
from training.cards import sees_values
from training.models import ModelVersion

register = template.Library()


@register.simple_tag(takes_context=True)
def certainty(context: dict[str, Any], version: ModelVersion) -> dict[str, Any]:
    """`{% certainty model_version as certainty %}`: `told` is None for a version without scored rows; groups are named
    after values of rows."""
    told = shown.told(version)
    return {"told": told, "groups": told.groups if told and sees_values(context["request"].actor, version) else []}
