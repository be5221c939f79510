"""The scorecard of a registered model, where it is one."""

from __future__ import annotations

from training.artifacts import open_file
from training.engine.scorecard import Scorecard, of
from training.models import ModelVersion


def scorecard_of(version: ModelVersion) -> Scorecard | None:
    """Read from the artifact's weights; None for a model that is no logistic regression over flags alone."""
    if version.family != "linear" or version.task != "binary":
        return None
    from safetensors.numpy import load

    with open_file(version.storage_key, "weights.safetensors") as stream:
        weights = load(stream.read())
    return of(version.manifest, weights["coef"], weights["intercept"])
