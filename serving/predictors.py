"""Predictors of model versions, read from the storage and kept in this process."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from rest.problems import Refused
from serving.runtime.cache import PredictorCache
from serving.runtime.faults import ArtifactRefused, InstanceErrors
from serving.runtime.predictor import Predictor
from training.models import ModelVersion
from training.revoked import require_usable

KEPT = 32  # a linear model takes kilobytes, a network or trees some megabytes
_cache = PredictorCache(KEPT)


def predictor_of(version: ModelVersion) -> Predictor:
    """Return the version's predictor; raises Refused: 403 for a model that is frozen since access to its data ended, 409 for
    an artifact that is damaged or missing."""
    require_usable(version)
    try:
        return _cache.get(version.sha256, lambda: Predictor.read(StoredFiles(version)))
    except ArtifactRefused as refused:
        detail = _("The model's files cannot be used: %s Train the model again or restore them from a backup.")
        raise Refused(refused.code, detail % refused.detail, status=409) from refused


class StoredFiles:
    """Reads a version's files from the storage; the manifest must be the one that was registered."""

    def __init__(self, version: ModelVersion) -> None:
        self.folder, self.sha256 = version.storage_key, version.sha256

    def __call__(self, name: str) -> bytes:
        with default_storage.open(f"{self.folder}/{name}", "rb") as stream:
            content: bytes = stream.read()
        if name == "manifest.json" and hashlib.sha256(content).hexdigest() != self.sha256:
            raise ArtifactRefused("artifact_changed", "manifest.json was changed after it was registered.")
        return content


def predict(version: ModelVersion, instances: list[Any]) -> list[dict[str, Any]]:
    """Answer each instance; raises Refused, 422 with the path of every value that the model cannot read."""
    try:
        return predictor_of(version).predict(instances)
    except InstanceErrors as wrong:
        raise unreadable(wrong) from None


def unreadable(wrong: InstanceErrors) -> Refused:
    """The 422 of instances that do not fit the model's inputs."""
    detail = _("The model cannot read these instances; nothing was predicted. Each error names the value.")
    return Refused("invalid_instances", detail, status=422, errors=wrong.errors)
