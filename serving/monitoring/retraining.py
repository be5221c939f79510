"""Whether training again is worth a thought, and with what; and what came of it when somebody did."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from datasets.models import DatasetVersion, VersionState
from departments.access import Actor, Verb, decide
from serving.models import Alert, Deployment
from training.models import ModelVersion, TrainingRun

ALARMING = {
    "drift": _("the data it is asked about have changed"),
    "answers": _("it answers otherwise than when it was tested"),
    "performance": _("it errs more than when it was tested"),
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """`url` opens the Train page, filled in like the run that made the version, on the newest data version.

    `trained` is a newer version of the same model that came of such a run, to be made challenger.
    """

    reasons: list[str | Promise]
    run: TrainingRun
    newest: int | None
    url: str
    trained: ModelVersion | None


def proposal_for(actor: Actor, deployment: Deployment, alerts: list[Alert]) -> Proposal | None:
    """None where nothing speaks for it, or where the actor may not train on the data."""
    version = deployment.model_version
    run: TrainingRun | None = version.run
    if run is None or not decide(actor, Verb.TRAIN, run.dataset_version.dataset).allowed:
        return None
    newest = _newer(run)
    reasons = [ALARMING[alert.kind] for alert in alerts if alert.kind in ALARMING]
    if newest is not None:
        reasons.append(_("there is a newer version of the data"))
    trained = _trained(version)
    if not reasons and trained is None:
        return None
    query = {"clone": run.pk} | ({"version": newest} if newest else {"version": run.dataset_version.number})
    return Proposal(list(reasons), run, newest, f"{reverse('training:new')}?{urlencode(query)}", trained)


def _newer(run: TrainingRun) -> int | None:
    found: int | None = (
        DatasetVersion.objects.filter(
            dataset_id=run.dataset_version.dataset_id, state=VersionState.READY, number__gt=run.dataset_version.number
        )
        .order_by("-number")
        .values_list("number", flat=True)
        .first()
    )
    return found


def _trained(version: ModelVersion) -> ModelVersion | None:
    """The newest later version that was trained like this one, for the same answer."""
    later = ModelVersion.objects.filter(
        department=version.department_id, run__like=version.run_id, target=version.target, task=version.task,
        created_at__gt=version.created_at,
    )  # fmt: skip
    found: ModelVersion | None = later.select_related("model").defer("manifest", "card").order_by("-created_at").first()
    return found
