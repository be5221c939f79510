"""The reference of a model version, put together from its manifest and its scored rows, and kept in this process."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from serving.runtime.drift.reference import Column, Reference, answers_of
from training.models import ModelVersion
from training.scored import TEST, scored_rows

KEPT = 64


@lru_cache(maxsize=KEPT)
def reference_of(version_id: UUID) -> Reference:
    """What the version's training rows looked like, and its answers on rows that it did not learn from.

    Empty for a version that came from elsewhere, or was trained before references were kept.
    """
    version = ModelVersion.objects.defer("card").get(pk=version_id)
    return Reference.from_manifest(version.manifest, _answers(version))


def _answers(version: ModelVersion) -> Column | None:
    scored = scored_rows(version)
    if scored is None or not len(scored):
        return None
    tested = scored.of(TEST)
    chosen = tested if len(tested) else scored
    return answers_of(version.task, version.manifest.get("classes") or [], chosen.prediction)
