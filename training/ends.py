"""What the end of a grant means for training: its jobs, studies and models. Registered with departments.consequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from audit.services import record
from departments.consequences import MOST, Affected, Ruling, carry_out_on, covering
from departments.models import Choice, Grant, GrantEnd
from jobs import services as jobs
from jobs.models import FINISHED, Job
from rest.problems import Refused
from training.models import LIVE, ModelVersion, RunState, Study, TrainingRun
from training.revoked import data_revoked, mark, unmark


def runs_under(grant: Grant) -> QuerySet[TrainingRun]:
    """The grantee's runs on the data; also those whose recipe brings it in beside other data."""
    if grant.object_kind != Grant.Kind.DATASET:
        return TrainingRun.objects.none()
    used = Q(dataset_version__dataset=grant.object_id) | Q(steps__icontains=str(grant.object_id))
    return TrainingRun.objects.filter(used, department=grant.department_id)


def studies_under(grant: Grant) -> QuerySet[Study]:
    if grant.object_kind != Grant.Kind.DATASET:
        return Study.objects.none()
    used = Q(dataset_version__dataset=grant.object_id) | Q(configuration__icontains=str(grant.object_id))
    return Study.objects.filter(used, department=grant.department_id)


def versions_under(grant: Grant) -> QuerySet[ModelVersion]:
    return ModelVersion.objects.filter(run__in=runs_under(grant))


def _jobs_under(grant: Grant) -> QuerySet[Job]:
    return Job.objects.filter(run__in=runs_under(grant)).exclude(state__in=FINISHED)


def find_jobs(grant: Grant) -> Iterator[Affected]:
    for job in _jobs_under(grant).select_related("run")[:MOST]:
        yield Affected(job.pk, job.run.name, job.get_absolute_url(), job.state, job.created_at)


def find_runs(grant: Grant) -> Iterator[Affected]:
    for run in runs_under(grant).filter(trial=None).select_related("job")[:MOST]:
        yield Affected(run.pk, run.name, reverse("training:run", args=[run.pk]), run.current_state, run.created_at)


def find_studies(grant: Grant) -> Iterator[Affected]:
    for study in studies_under(grant)[:MOST]:
        yield Affected(study.pk, study.name, reverse("training:study", args=[study.pk]), study.state, study.created_at)


def find_models(grant: Grant) -> Iterator[Affected]:
    for version in versions_under(grant).select_related("model").defer("manifest", "card")[:MOST]:
        url = reverse("training:model-version", args=[version.model_id, version.number])
        found = data_revoked(version)
        yield Affected(version.pk, str(version), url, found["choice"] if found else "ready", version.created_at)


def stop_jobs(ruling: Ruling) -> int:
    """Cancel what trains on the data. The jobs' rows are taken first, in the order in which trials end, then studies."""
    if ruling.choice == Choice.KEEP:
        return 0
    waiting = list(_jobs_under(ruling.grant).order_by("pk").values_list("pk", flat=True))
    found = list(Job.objects.select_for_update().filter(pk__in=waiting).order_by("pk"))
    studies_under(ruling.grant).filter(state__in=LIVE).update(state=RunState.CANCELLED)
    return sum(_cancel(job) for job in found)


def _cancel(job: Job) -> bool:
    try:
        jobs.signal(job, "cancel")
    except Refused:
        return False  # it ended by itself meanwhile
    return True


def mark_models(ruling: Ruling) -> int:
    """Say on every model what was decided; predictors look at it before each answer."""
    found = list(versions_under(ruling.grant).select_for_update(of=("self",)).defer("manifest", "card"))
    for version in found:
        mark(version, ruling)
        details = {"choice": ruling.choice, "grant": str(ruling.grant.pk)}
        record("model_version.data_revoked", version, version=version.number, details=details)
    return len(found)


def unmark_models(grant: Grant) -> int:
    marked = versions_under(grant).filter(revocations__icontains=str(grant.pk))
    found = list(marked.select_for_update(of=("self",)).defer("manifest", "card"))
    for version in found:
        unmark(version, grant.pk)
    return len(found)


def inherit(version: ModelVersion) -> None:
    """A model that a job finished at the very moment of the end, or was let finish after it, is under its ruling too."""
    run: Any = version.run
    ended = GrantEnd.objects.filter(
        grant__department=version.department_id, grant__object_kind=Grant.Kind.DATASET, lifted_at=None
    ).select_related("grant__owner")
    for end in ended:
        used = end.grant.object_id == run.dataset_version.dataset_id or str(end.grant.object_id) in str(run.steps)
        if used and end.at >= run.created_at and covering(end.grant) is None:
            carry_out_on(end, "models", lambda ruling: mark(version, ruling))
