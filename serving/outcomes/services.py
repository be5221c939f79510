"""Truths are taken in: matched with what was answered, checked, kept once, corrected openly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from rest.problems import Refused
from serving import prediction_log
from serving.models import Deployment, Prediction
from serving.outcomes.models import Outcome, OutcomeSource
from serving.outcomes.truth import NotATruth, reader_of

MOST = 10_000  # outcomes in one request, as many as one request of predictions has rows
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Told:
    """One truth as it came: not checked yet."""

    request_id: Any
    value: Any
    instance: Any = 0


@dataclass(frozen=True, slots=True)
class NotKept:
    """Why the truth at this place of the request was not kept."""

    index: int
    code: str
    message: str


@dataclass(slots=True)
class Taken:
    """What became of a request's truths. Every one counts once."""

    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    refused: list[NotKept] = field(default_factory=list)

    @property
    def kept(self) -> int:
        return self.new + self.corrected + self.unchanged


def take(*, actor: Actor, deployment: Deployment, told: Sequence[Told], source: str = OutcomeSource.API) -> Taken:
    """Keep what fits, in one transaction, and say by its place what does not and why. The same again changes nothing.

    Callers of another department report on their own requests only.
    """
    decision = require(actor, Verb.PREDICT, deployment)
    if not 1 <= len(told) <= MOST:
        message = _("got %(got)s outcomes; send 1 to %(most)s in one request")
        raise Refused("invalid", message % {"got": len(told), "most": f"{MOST:,}"}, status=422)
    taken = Taken()
    answers = _answers_to(actor, deployment, told)
    fitting = _fitting(told, answers, taken)
    with transaction.atomic():
        _keep(deployment, fitting, taken, actor, source)
        counts = {"new": taken.new, "corrected": taken.corrected, "source": str(source)}
        if taken.new or taken.corrected:
            record("deployment.outcomes", deployment, rule=decision.rule, details=counts)
    return taken


def require_some(taken: Taken) -> None:
    """Raise Refused (422) where nothing of a request fitted: whoever reads only the status learns of it."""
    if taken.kept:
        return
    detail = _("None of these outcomes could be kept. Each error says why.")
    errors = [{"field": f"[{each.index}]", "message": each.message} for each in taken.refused[:50]]
    codes = {each.code for each in taken.refused}
    raise Refused(codes.pop() if len(codes) == 1 else "invalid", detail, status=422, errors=errors)


def _answers_to(actor: Actor, deployment: Deployment, told: Iterable[Told]) -> dict[UUID, Prediction]:
    """The logged predictions that the truths belong to. What waits in this process's spool is logged first."""
    ids = list({found for each in told if (found := _uuid(each.request_id))})
    answers = _logged(actor, deployment, ids)
    missing = [each for each in ids if each not in answers]
    if missing and prediction_log.ship():
        answers |= _logged(actor, deployment, missing)
    return answers


def _logged(actor: Actor, deployment: Deployment, ids: list[UUID]) -> dict[UUID, Prediction]:
    rows = Prediction.objects.filter(deployment=deployment).select_related("model_version").defer("model_version__card")
    if deployment.department_id not in actor.roles:
        rows = rows.filter(person_id=actor.person_id)
    found: dict[UUID, Prediction] = {}
    for start in range(0, len(ids), CHUNK):
        chunk = rows.filter(request_id__in=ids[start : start + CHUNK]).defer("instances", "model_version__card")
        found.update({row.request_id: row for row in chunk})
    return found


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


Fitting = dict[tuple[UUID, int], tuple[Prediction, Any]]


def _fitting(told: Iterable[Told], answers: dict[UUID, Prediction], taken: Taken) -> Fitting:
    """The checked truths by (prediction, instance); of two on the same instance the later counts."""
    readers: dict[UUID, Callable[[Any], Any]] = {}
    fitting: Fitting = {}
    for index, each in enumerate(told):
        prediction = answers.get(_uuid(each.request_id))  # type: ignore[arg-type]
        if prediction is None:
            message = _(
                "this deployment has no request with this id; an answer reaches the log a second or two after it left"
            )
            taken.refused.append(NotKept(index, "unknown_request", message))
            continue
        if type(each.instance) is not int or not 0 <= each.instance < prediction.rows:
            message = _("got the instance %(got)s; this request had %(rows)s, counted from 0")
            words = {"got": str(each.instance)[:20], "rows": prediction.rows}
            taken.refused.append(NotKept(index, "unknown_instance", message % words))
            continue
        version = prediction.model_version
        read = readers.setdefault(version.pk, reader_of(version))
        try:
            value = read(each.value)
        except NotATruth as wrong:
            taken.refused.append(NotKept(index, "invalid_value", str(wrong)))
            continue
        if (prediction.pk, each.instance) in fitting:
            taken.unchanged += 1
        fitting[prediction.pk, each.instance] = prediction, value
    return fitting


def _keep(deployment: Deployment, fitting: Fitting, taken: Taken, actor: Actor, source: str) -> None:
    by: dict[str, Any] = {"source": source, "created_by_id": actor.person_id}
    known = _known(fitting)
    fresh, changed = [], []
    for (prediction_id, instance), (prediction, value) in fitting.items():
        found = known.get((prediction_id, instance))
        if found is None:
            answered = _answered(prediction.answers[instance], value)
            fresh.append(Outcome(deployment=deployment, prediction=prediction, instance=instance, **answered, **by))
        elif found.value != value or type(found.value) is not type(value):
            _correct(found, value, by)
            changed.append(found)
    Outcome.objects.bulk_create(fresh, batch_size=CHUNK)
    fields = ["value", "error", "source", "created_by", "updated_at"]
    Outcome.objects.bulk_update(changed, fields, batch_size=CHUNK)
    for outcome in changed:
        details = {"request_id": str(fitting[outcome.prediction_id, outcome.instance][0].request_id)}
        record("deployment.correct_outcome", deployment, details={**details, "instance": outcome.instance})
    taken.new, taken.corrected = len(fresh), len(changed)
    taken.unchanged += len(fitting) - len(fresh) - len(changed)


def _known(fitting: Fitting) -> dict[tuple[UUID, int], Outcome]:
    """What is kept already. The predictions are locked, so that two senders of the same do not both think theirs the
    first: an outcome that is not there yet could not be."""
    ids = list({prediction_id for prediction_id, _instance in fitting})
    found: dict[tuple[UUID, int], Outcome] = {}
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        list(Prediction.objects.select_for_update().filter(pk__in=chunk).order_by("pk").values_list("pk", flat=True))
        found.update({(row.prediction_id, row.instance): row for row in Outcome.objects.filter(prediction__in=chunk)})
    return found


def _answered(answer: dict[str, Any], truth: Any) -> dict[str, Any]:
    """The outcome's fields that follow from the answer."""
    decided = (answer.get("decision") or {}).get("decision")
    if "value" in answer:
        return {"value": truth, "answered": answer["value"], "decided": decided, "error": answer["value"] - truth}
    return {"value": truth, "answered": answer["label"], "decided": decided}


def _correct(outcome: Outcome, value: Any, by: dict[str, Any]) -> None:
    outcome.value, outcome.updated_at = value, timezone.now()
    outcome.error = outcome.answered - value if outcome.error is not None else None
    for name, given in by.items():
        setattr(outcome, name, given)
