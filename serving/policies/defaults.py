"""What a policy begins with: the costs of the starting point that the model came from, or one for each mistake."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from serving.policies.settings import LEAST_COST, UNIT, Settings, checked
from training.models import ModelVersion
from training.starting import of_version


def defaults_of(version: ModelVersion) -> Settings:
    """Checked settings: no calibration, no rules; the threshold is left to the least cost."""
    asked: dict[str, Any] = {}
    point = of_version(version)
    if version.task == "binary" and point is not None and point.costs is not None:
        costs = point.costs
        asked["costs"] = {"fn": costs.missed, "fp": costs.false_alarm, "unit": _(costs.unit)[:UNIT]}
    if version.task == "binary":
        asked["threshold"] = LEAST_COST
    return checked(version, asked)
