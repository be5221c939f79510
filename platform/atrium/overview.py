"""What waits for a person on Home."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from datasets.models import Dataset, DatasetVersion
from departments.access import Actor
from departments.models import AccessRequest, Department, Grant
from departments.overview import NamedGrant, name_grants
from departments.request_pages import NamedRequest, named
from jobs.models import Job
from serving.models import Alert, Deployment, ReviewItem, SignOff
from serving.rollouts.pages import waiting_for
from training.models import TrainingRun

SHOWN = 6
UNFINISHED = ("queued", "running", "paused")
WARNED_BEFORE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Cases that a person may take or has, how many of them are late, and when the next one is due."""

    cases: int
    late: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything Home shows of one department; a fixed number of queries, however much there is."""

    waiting: list[Job]
    runs: list[TrainingRun]
    datasets: list[Dataset]
    deployments: list[Deployment]
    expiring: list[NamedGrant]
    asked: list[NamedRequest]
    sign_offs: list[SignOff]
    alerts: list[Alert]
    reviews: Waiting

    @property
    def is_new(self) -> bool:
        """Nothing deployed yet: the page shows the first steps."""
        return not self.deployments

    @property
    def trained(self) -> TrainingRun | None:
        """The newest run that left a model, the one to deploy first."""
        return next((run for run in self.runs if run.state in ("succeeded", "stopped")), None)


def overview(actor: Actor, department: Department) -> Overview:
    def mine(rows: Any) -> QuerySet[Any]:
        return rows.visible_to(actor).filter(department=department)  # type: ignore[no-any-return]

    return Overview(
        waiting=list(mine(Job.objects).filter(state__in=UNFINISHED).select_related("created_by")[:SHOWN]),
        runs=list(mine(TrainingRun.objects).filter(trial=None).select_related("created_by")[:SHOWN]),
        datasets=list(_usable(actor, department)[:SHOWN]),
        deployments=list(mine(Deployment.objects).select_related("model_version__model")[:SHOWN]),
        expiring=name_grants(_expiring(department), actor),
        alerts=list(mine(Alert.objects).filter(closed_at=None).select_related("deployment")[:SHOWN]),
        asked=named(AccessRequest.objects.to_decide(actor).filter(owner=department).with_people()[:SHOWN], actor),
        sign_offs=waiting_for(actor, department, SHOWN),
        reviews=_reviews(actor, department),
    )


def _reviews(actor: Actor, department: Department) -> Waiting:
    found = ReviewItem.objects.visible_to(actor).open().filter(department=department)
    mine = found.filter(Q(assignee=None) | Q(assignee=actor.person_id))
    late = Count("pk", filter=Q(due_at__lt=timezone.now()))
    return Waiting(**mine.aggregate(cases=Count("pk"), late=late, due=Min("due_at")))


def _usable(actor: Actor, department: Department) -> QuerySet[Dataset]:
    """The department's own data sets and those granted to it, with their newest version's size."""
    granted = Grant.objects.live().filter(department=department, object_kind=Grant.Kind.DATASET).values("object_id")
    rows = Dataset.objects.visible_to(actor).filter(Q(department=department) | Q(pk__in=granted))
    newest = DatasetVersion.objects.filter(dataset=OuterRef("pk")).order_by("-number")
    names = {"newest_state": "state", "newest_rows": "rows", "newest_columns": "columns"}
    shown: QuerySet[Dataset] = rows.select_related("department").annotate(
        **{name: Subquery(newest.values(field)[:1]) for name, field in names.items()}
    )
    return shown


def _expiring(department: Department) -> QuerySet[Grant]:
    soon = timezone.now() + WARNED_BEFORE
    held = Grant.objects.live().filter(department=department, expires_at__lte=soon)
    return held.select_related("owner").order_by("expires_at")[:SHOWN]
