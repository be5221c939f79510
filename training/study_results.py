"""What came of a study, arranged for its page and the API."""

from __future__ import annotations

from collections.abc import Iterable

from training.engine.family import FAMILIES
from training.engine.importance import importances
from training.engine.search import Space, space
from training.models import Study, Trial


def space_of(study: Study) -> Space:
    """The ranges that the study searches."""
    return space(FAMILIES[study.configuration["family"]].params, study.search)


def importance_of(study: Study, trials: Iterable[Trial]) -> dict[str, float]:
    """Each searched parameter's share, by the trials that trained to their end; empty while there are too few."""
    sign = 1.0 if study.direction == "minimise" else -1.0
    scored = [(trial.params, sign * trial.value) for trial in trials if trial.value is not None]
    return importances(space_of(study), scored)
