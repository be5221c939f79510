"""The prediction log keeps what was asked, and so may hold a person's key. What came of it goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from datasets.erasure.subjects import is_key
from datasets.erasure.traces import Holder, hold
from serving.models import Outcome, Prediction, ReviewItem

ERASED = {"erased": True}


def _holding(department: UUID, subject: str) -> Iterator[tuple[Prediction, list[Any]]]:
    """Logged requests of the department's deployments that name the subject, with their instances without it."""
    rows = Prediction.objects.filter(deployment__department_id=department).only("pk", "instances")
    for prediction in rows.iterator(500):
        instances = prediction.instances if isinstance(prediction.instances, list) else []
        kept = [ERASED if _names(instance, subject) else instance for instance in instances]
        if kept != instances:
            yield prediction, kept


def _names(instance: Any, subject: str) -> bool:
    return isinstance(instance, dict) and any(is_key(value, subject) for value in instance.values())


def count(department: UUID, subject: str) -> int:
    return sum(1 for _found in _holding(department, subject))


def erase(department: UUID, subject: str) -> int:
    erased = 0
    for prediction, kept in _holding(department, subject):
        Prediction.objects.filter(pk=prediction.pk).update(instances=kept)
        gone = [place for place, instance in enumerate(kept) if instance == ERASED]
        Outcome.objects.filter(prediction=prediction, instance__in=gone).delete()
        ReviewItem.objects.filter(prediction=prediction, instance__in=gone).delete()
        erased += 1
    return erased


def register() -> None:
    hold("predictions", Holder(count, erase))
