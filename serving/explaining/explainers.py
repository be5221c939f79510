"""Explainers of model versions, built at the first question and kept in this process."""

from __future__ import annotations

from serving.predictors import StoredFiles, predictor_of
from serving.runtime import artifact
from serving.runtime.cache import Cache
from serving.runtime.explain.background import Background
from serving.runtime.explain.explainer import Explainer
from serving.runtime.explain.reasons import Reasons
from training.backgrounds import background_of
from training.models import ModelVersion

KEPT = 16  # of trees it holds about as much as the model; else kilobytes
_cache: Cache[Explainer] = Cache(KEPT)


def explainer_of(version: ModelVersion) -> Explainer:
    """The version's explainer, over the background that was kept when it was trained.

    A version without one, trained before they were kept or brought from elsewhere, compares with its example. Raises
    Refused where the model cannot answer.
    """
    predictor = predictor_of(version)
    kept = background_of(version)
    key = f"{version.sha256}:{kept.sha256 if kept else ''}"

    def build() -> Explainer:
        usual = Background.loads(bytes(kept.content)) if kept else Background.of_examples(predictor.inputs)
        return Explainer(predictor, artifact.read(StoredFiles(version)), usual)

    return _cache.get(key, build)


def reasons_of(version: ModelVersion) -> Reasons:
    """What adds reasons to the version's answers. Nothing is built before they are asked for."""
    return Reasons(lambda: explainer_of(version))
