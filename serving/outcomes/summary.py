"""How the answers held against the truth so far: counted in the database, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, F, QuerySet, Sum
from django.db.models.functions import Abs

from serving.models import Deployment
from serving.outcomes.models import Outcome
from serving.runtime.predictor import key_of


@dataclass(frozen=True, slots=True)
class Confusion:
    """Truths by row, answers by column. `rows` holds (truth, counts in the order of `labels`, how many were right)."""

    labels: list[str]
    rows: list[tuple[str, list[int], int]]
    right: int
    total: int

    @property
    def accuracy(self) -> float | None:
        return self.right / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean absolute error, root of the mean squared error, and mean of answered − true."""

    mean_absolute: float | None
    root_mean_squared: float | None
    bias: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """`answers` counts instances, not requests. One of `confusion` and `errors` is there, by the target's kind."""

    answers: int
    outcomes: int
    confusion: Confusion | None
    errors: Errors | None

    @property
    def share(self) -> float:
        return self.outcomes / self.answers if self.answers else 0.0


def summary_of(deployment: Deployment) -> Summary:
    """What is known of the deployment's answers so far."""
    found = Outcome.objects.filter(deployment=deployment)
    answers = deployment.predictions.aggregate(n=Sum("rows"))["n"] or 0
    regression = deployment.model_version.task == "regression"
    return Summary(
        answers=answers,
        outcomes=found.count(),
        confusion=None if regression else _confusion(found, deployment.model_version.manifest.get("classes") or []),
        errors=_errors(found) if regression else None,
    )


def _confusion(found: QuerySet[Outcome], classes: list[Any]) -> Confusion:
    counted = found.order_by().values_list("value", "answered").annotate(n=Count("pk"))
    counts: dict[tuple[str, str], int] = {(key_of(truth), key_of(answer)): n for truth, answer, n in counted}
    labels = [key_of(label) for label in classes]
    labels += sorted({label for pair in counts for label in pair} - set(labels))  # of an earlier version
    rows = [
        (truth, [counts.get((truth, answer), 0) for answer in labels], counts.get((truth, truth), 0))
        for truth in labels
    ]
    return Confusion(labels, rows, sum(right for _truth, _counts, right in rows), sum(counts.values()))


def _errors(found: QuerySet[Outcome]) -> Errors:
    figures = found.aggregate(mae=Avg(Abs("error")), mse=Avg(F("error") * F("error")), bias=Avg("error"))
    mse = figures["mse"]
    return Errors(figures["mae"], None if mse is None else mse**0.5, figures["bias"])
