"""Why a queued job has not begun, in words: asked once for a whole page of jobs, with a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from departments.models import Department
from departments.quotas.kinds import month_bounds
from departments.quotas.services import used_up
from departments.quotas.words import day, month
from jobs import accounts, workers
from jobs.fairness import LONG_WAIT
from jobs.models import Job, JobState
from jobs.registry import kinds_that
from rest.templatetags.figures import duration

# Of a longer queue only the beginning is looked at; who stands behind it learns no place.
LOOKED_AT = 2000
# Seconds that a job takes of which nothing is known.
USUAL = 60.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """`reason`: next, queue, quota-cpu or no-worker. `position` counts from 1; `starts_in` is rough, in seconds."""

    reason: str
    detail: str
    position: int | None = None
    starts_in: float | None = None
    gave_way: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "reason": self.reason, "detail": self.detail, "position": self.position, "starts_in": self.starts_in,
            "gave_way": self.gave_way,
        }  # fmt: skip


def of(jobs: Iterable[Job]) -> dict[UUID, Waiting]:
    """Why each of the jobs that are queued waits."""
    asked = [job for job in jobs if job.state == JobState.QUEUED]
    if not asked:
        return {}
    queue = _Queue()
    return {job.pk: queue.told(job) for job in asked}


class _Queue:
    """Everything that waits and runs at this moment."""

    def __init__(self) -> None:
        now = timezone.now()
        names = ("pk", "department_id", "kind", "queue", "priority", "queued_at", "created_at", "estimate_seconds")
        rows = Job.objects.filter(state=JobState.QUEUED).order_by("created_at").values(*names)[:LOOKED_AT]
        self.lines: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            self.lines[row["department_id"]].append(row)
        for line in self.lines.values():
            line.sort(key=lambda row: (_rank(row, now), row["created_at"], str(row["pk"])))
        self.used_up = used_up(self.lines.keys(), "cpu")
        self.counts = set(kinds_that("counts"))
        self.names = dict(Department.objects.filter(pk__in=self.lines).values_list("pk", "name"))
        held = Job.objects.filter(state=JobState.RUNNING).order_by()
        self.running = list(held.values("department_id", "department__name", "started_at", "estimate_seconds"))
        self.recent = accounts.recent(self.lines.keys())
        self.slots = max(workers.slots(), len(self.running))

    def told(self, job: Job) -> Waiting:
        if job.department_id in self.used_up and job.kind in self.counts:
            begin, end = month_bounds()
            words = {"department": self.names[job.department_id], "month": month(begin), "day": day(end)}
            detail = _("The CPU quota of %(department)s for %(month)s is used up: this goes on on %(day)s, or when a "
                       "platform admin raises it.")  # fmt: skip
            return Waiting("quota-cpu", detail % words, gave_way=job.gave_way)
        if not self.slots:
            detail = _("No worker is running. An administrator starts one with “manage.py up” or “manage.py worker”.")
            return Waiting("no-worker", detail, gave_way=job.gave_way)
        return self._in_line(job)

    def _in_line(self, job: Job) -> Waiting:
        ahead = self._ahead(job)
        if ahead is None:
            detail = _("More than %s jobs wait.") % f"{LOOKED_AT:,}"
            return Waiting("queue", detail, gave_way=job.gave_way)
        count = sum(len(rows) for rows in ahead.values())
        free = self.slots - len(self.running)
        starts_in = 0.0 if count < free else self._starts_in(ahead)
        if count < free:
            return Waiting("next", _("A worker is free: this begins in a moment."), count + 1, 0.0, job.gave_way)
        parts = [_jobs_of(self.names[department], len(rows)) for department, rows in ahead.items() if rows]
        if parts:
            detail = _("Ahead of this: %s.") % ", ".join(parts)
        else:
            held = sorted({row["department__name"] for row in self.running})
            detail = _("Next in line. All %(n)s slots are in use (%(who)s).") % {
                "n": self.slots,
                "who": ", ".join(held),
            }
        if starts_in:
            detail = _("%(detail)s Begins in about %(time)s.") % {"detail": detail, "time": duration(round(starts_in))}
        if job.gave_way:
            detail = _("Paused to let another department have a turn; goes on by itself. %s") % detail
        return Waiting("queue", detail, count + 1, round(starts_in, 1), job.gave_way)

    def _ahead(self, job: Job) -> dict[UUID, list[dict[str, Any]]] | None:
        """Which jobs start earlier, as it stands: the own department's in line, and the others' while turns go round."""
        own = self.lines.get(job.department_id, [])
        place = next((n for n, row in enumerate(own) if row["pk"] == job.pk), None)
        if place is None:
            return None
        held: dict[UUID, int] = defaultdict(int)
        for row in self.running:
            held[row["department_id"]] += 1
        mine = held[job.department_id] + place
        found = {job.department_id: own[:place]}
        for department, line in self.lines.items():
            if department != job.department_id:
                startable = [r for r in line if department not in self.used_up or r["kind"] not in self.counts]
                first = self.recent.get(department, 0.0) < self.recent.get(job.department_id, 0.0)
                found[department] = startable[: max(0, mine - held[department] + int(first))]
        return found

    def _starts_in(self, ahead: dict[UUID, list[dict[str, Any]]]) -> float:
        """The work that is ahead, over the slots; rough, for nobody knows how long a job takes."""
        now = timezone.now()
        left = [max(1.0, (row["estimate_seconds"] or USUAL) - _since(row["started_at"], now)) for row in self.running]
        before = sum(row["estimate_seconds"] or USUAL for rows in ahead.values() for row in rows)
        return min(left, default=0.0) + before / max(1, self.slots)


def _rank(row: dict[str, Any], now: datetime) -> int:
    return 0 if row["queued_at"] < now - LONG_WAIT else int(row["priority"])


def _since(moment: datetime | None, now: datetime) -> float:
    return (now - moment).total_seconds() if moment else 0.0


def _jobs_of(department: str, count: int) -> str:
    words = {"n": count, "department": department}
    return ngettext("%(n)s job of %(department)s", "%(n)s jobs of %(department)s", count) % words
