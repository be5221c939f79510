"""Cases are made from the log of predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from serving.models import Prediction
from serving.review.models import ReviewItem


def make_items(predictions: Iterable[Prediction], departments: dict[str, UUID]) -> None:
    """A case for each answer that waits for a person, in the transaction that logs it: shipping twice makes none twice.

    `departments` has the owner of each deployment by its id.
    """
    items = [
        _item(prediction, place, answer, departments[str(prediction.deployment_id)])
        for prediction in predictions
        for place, answer in enumerate(prediction.answers)
        if (answer.get("decision") or {}).get("by") == "review"
    ]
    ReviewItem.objects.bulk_create(items, batch_size=500)


def _item(prediction: Prediction, place: int, answer: dict[str, Any], department: UUID) -> ReviewItem:
    told = answer["decision"]
    return ReviewItem(
        department_id=department,
        deployment_id=prediction.deployment_id,
        prediction=prediction,
        instance=place,
        answered=answer["value"] if "value" in answer else answer["label"],
        probability=told.get("probability"),
        rule=told.get("rule", ""),
    )
