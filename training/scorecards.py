"""The scorecard of a registered model, where it is one."""

from __future__ import annotations

from training.artifacts import open_file
from training.engine.scorecard import Scorecard, of
from training.models import ModelVersion

WEIGHTS = "weights.safetensors"  # a linear model of a preset lies in its graph, with the preparation that it needs


def scorecard_of(version: ModelVersion) -> Scorecard | None:
    """Read from the artifact's weights; None for a model that is no logistic regression over flags alone."""
    if version.task != "binary" or WEIGHTS not in version.manifest.get("files", {}):
        return None
    from safetensors.numpy import load

    with open_file(version.storage_key, WEIGHTS) as stream:
        weights = load(stream.read())
    return of(version.manifest, weights["coef"], weights["intercept"])
