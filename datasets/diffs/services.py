"""Comparing two versions as the actor gets them: small tables at once, large ones by a job."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from datasets import reading, storage, tables
from datasets.diffs import compare as diff
from datasets.models import DatasetVersion, VersionDiff
from datasets.services import record_read
from datasets.tables import LIVE, Described
from departments.access import Actor, Verb, require
from departments.models import Department
from jobs.models import Job
from jobs.services import enqueue
from rest.problems import Refused, invalid

AT_ONCE = 5_000_000  # cells of both tables that are compared within a request


class BeingCompared(Refused):
    """The comparison is being made by a job."""

    retry_after = 2

    def __init__(self, job: Job) -> None:
        super().__init__("being_compared", _("The versions are being compared by a job. Ask again in a moment."))
        self.job = job


def compare_versions(
    *, actor: Actor, older: DatasetVersion, newer: DatasetVersion, key: Sequence[str] = ()
) -> dict[str, Any]:
    """What changed from `older` to `newer`; see diff.compare. Raises Refused (422) for a key that tells no rows apart."""
    decision = require(actor, Verb.PREVIEW, newer)
    require(actor, Verb.PREVIEW, older)
    sides = []
    for version in (older, newer):
        reading.ready(version)
        sides.append(tables.described(version, decision, actor=actor))
    _check_key(sides[1], key)
    report = _report(actor, sides[0], sides[1], list(dict.fromkeys(key)))
    record_read(newer, decision, "compare", against=older.number)
    return {"older": older.number, "newer": newer.number, "keys": diff.keys_of(*(s.profile for s in sides)), **report}


def _check_key(side: Described, key: Sequence[str]) -> None:
    for name in key:
        if name not in side.schema:
            raise invalid("key", _("there is no column “%s”") % name[:80])


def _report(actor: Actor, older: Described, newer: Described, key: list[str]) -> dict[str, Any]:
    mark = fingerprint(older, newer, key)
    found = VersionDiff.objects.filter(fingerprint=mark).select_related("job").first()
    if found is not None and found.report is not None:
        return dict(found.report)
    if sum(side.rows * len(side.schema) for side in (older, newer)) > AT_ONCE:
        raise BeingCompared(_job(actor, older, newer, key))
    report = computed(older, newer, key)
    VersionDiff.objects.update_or_create(
        fingerprint=mark, defaults={"older": older.version, "newer": newer.version, "report": report}
    )
    return report


def fingerprint(older: Described, newer: Described, key: Sequence[str]) -> str:
    """What names the comparison of two stored tables by a key."""
    return hashlib.sha256("\0".join([older.key, newer.key, *key]).encode()).hexdigest()


def computed(older: Described, newer: Described, key: Sequence[str]) -> dict[str, Any]:
    with storage.local(older.key) as before, storage.local(newer.key) as after:
        try:
            return diff.compare(diff.Side(before, older.schema), diff.Side(after, newer.schema), key)
        except diff.BadKey as error:
            raise invalid("key", error.message) from None


@transaction.atomic
def _job(actor: Actor, older: Described, newer: Described, key: list[str]) -> Job:
    """The job that compares; one at a time. It belongs to a department of the actor that may read."""
    mark = fingerprint(older, newer, key)
    found = VersionDiff.objects.filter(fingerprint=mark).select_related("job").first()
    if found is not None and found.job is not None:
        if found.job.state in LIVE:
            return found.job
        if found.job.error:
            raise Refused(found.job.error.get("code", "failed"), found.job.error.get("detail", ""), status=422)
    owner = newer.version.department_id
    home = Department.objects.get(pk=owner if owner in actor.roles else actor.department_ids[0])
    payload = {"older": str(older.version.pk), "newer": str(newer.version.pk), "key": key}
    job = enqueue("datasets.compare", actor=actor, department=home, payload=payload, about=newer.version.dataset)
    VersionDiff.objects.update_or_create(
        fingerprint=mark, defaults={"older": older.version, "newer": newer.version, "job": job}
    )
    return job
