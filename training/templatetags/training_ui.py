"""`{% load training_ui %}`: what training's words are called on pages."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

from training.engine.family import FAMILIES

register = template.Library()


@register.filter
def family_label(name: str) -> str:
    """Return a family's label; a family that is no longer installed keeps its name."""
    return gettext(FAMILIES[name].label) if name in FAMILIES else name
