"""What the health page shows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils import timezone

from departments.models import Department
from jobs.models import Job, JobState, Worker
from serving.models import Alert


@dataclass(frozen=True, slots=True)
class Health:
    """Counts over all departments; `queues` holds (queue, waiting, running), `workers` (name, slots, last seen); sizes in
    bytes."""

    queued: int
    running: int
    stuck: int
    failed_today: int
    oldest_queued: datetime | None
    queues: list[tuple[str, int, int]]
    workers: list[tuple[str, int, datetime]]
    # (department, open alerts, those of drift), of departments that have some.
    alarms: list[tuple[Department, int, int]]
    disk_free: int
    disk_total: int

    @property
    def state(self) -> str:
        if self.stuck or self.disk_free < self.disk_total * 0.02:
            return "error"
        waits = self.oldest_queued and self.oldest_queued < timezone.now() - timedelta(minutes=5)
        return "warning" if waits or self.disk_free < self.disk_total * 0.1 else "healthy"


def health() -> Health:
    """Ask the job table and the disk."""
    now = timezone.now()
    overdue = now - timedelta(seconds=2 * settings.JOB_LEASE)
    queued, running = Q(state=JobState.QUEUED), Q(state=JobState.RUNNING)
    counts = Job.objects.aggregate(
        queued=Count("pk", filter=queued),
        running=Count("pk", filter=running),
        stuck=Count("pk", filter=running & Q(lease_expires_at__lt=overdue)),
        failed_today=Count("pk", filter=Q(state=JobState.FAILED, finished_at__gte=now - timedelta(days=1))),
        oldest_queued=Min("created_at", filter=queued),
    )
    unfinished = Job.objects.filter(queued | running).order_by()
    per_queue = unfinished.values_list("queue").annotate(w=Count("pk", filter=queued), r=Count("pk", filter=running))
    disk = shutil.disk_usage(settings.HOME)
    return Health(
        **counts,
        queues=sorted(per_queue),
        workers=list(Worker.objects.order_by("name").values_list("name", "slots", "seen_at")),
        alarms=_alarms(),
        disk_free=disk.free,
        disk_total=disk.total,
    )


DRIFT = ("drift", "answers")


def _alarms() -> list[tuple[Department, int, int]]:
    open_ = Alert.objects.filter(closed_at=None).order_by().values_list("department")
    counted = open_.annotate(n=Count("pk"), drift=Count("pk", filter=Q(kind__in=DRIFT)))
    found = {department: (n, drift) for department, n, drift in counted}
    return [(each, *found[each.pk]) for each in Department.objects.filter(pk__in=found)]
