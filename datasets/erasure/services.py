"""Forgetting a person: find their key over all versions of a department's data, erase it, say who saw it."""

from __future__ import annotations

import csv
import hmac
import io
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets import storage, tables
from datasets.erasure import subjects, traces
from datasets.models import DatasetVersion, Erasure, ErasureState, Feed, VersionDiff, VersionState
from datasets.parts import Manifest
from datasets.profile import profile
from datasets.schema import Schema
from datasets.scoring import score
from datasets.services import name_parts, stored_keys, unused_keys
from departments.access import Actor, Verb, require, require_in
from departments.models import Department
from jobs.models import Job
from jobs.services import enqueue
from rest.problems import Refused, invalid
from rest.secrets import seal, unseal

MAX_SUBJECT = 300
Progress = Callable[[float, str], None]


@transaction.atomic
def find_subject(
    *, actor: Actor, department: Department, subject: str, columns: Iterable[str] = (), reason: str = ""
) -> Erasure:
    """Have a worker look for a person's key in every version of the department's data sets. Changes nothing."""
    require_in(actor, Verb.MANAGE, department)
    subject = " ".join(subject.split())
    if not subject or len(subject) > MAX_SUBJECT:
        raise invalid("subject", _("the key is a text of 1 to %d characters, such as an e-mail address") % MAX_SUBJECT)
    erasure = Erasure.objects.create(
        department=department, sealed_subject=seal(subject), subject_hash=subject_hash(department, subject),
        columns=list(dict.fromkeys(columns))[:1000], reason=reason.strip()[:300], created_by_id=actor.person_id,
    )  # fmt: skip
    record("erasure.find", erasure, details={"columns": erasure.columns[:50]})
    return _enqueue(actor, erasure, "datasets.find_subject")


@transaction.atomic
def erase_subject(*, actor: Actor, erasure: Erasure) -> Erasure:
    """Have a worker remove what was found, for good."""
    require(actor, Verb.MANAGE, erasure)
    erasure = Erasure.objects.select_for_update().get(pk=erasure.pk)
    retry = erasure.state == ErasureState.FAILED and erasure.report
    if erasure.state != ErasureState.FOUND and not retry:
        detail = _("There is nothing to erase in this state (%s). Search for the key first.")
        raise Refused("not_found_yet", detail % erasure.get_state_display())
    erasure.state = ErasureState.ERASING
    record("erasure.erase", erasure, details={"versions": len(erasure.report["versions"])})
    return _enqueue(actor, erasure, "datasets.erase_subject")


@transaction.atomic
def drop_search(*, actor: Actor, erasure: Erasure) -> None:
    """Forget the search itself, key and report; what was erased stays on record."""
    require(actor, Verb.MANAGE, erasure)
    if erasure.state in (ErasureState.ERASING, ErasureState.ERASED):
        raise Refused("on_record", _("What was erased stays on record, so this cannot be removed."))
    record("erasure.drop", erasure)
    erasure.delete()


def _enqueue(actor: Actor, erasure: Erasure, kind: str) -> Erasure:
    payload = {"erasure": str(erasure.pk)}
    erasure.job = enqueue(kind, actor=actor, department=erasure.department, payload=payload, about=erasure)
    erasure.save()
    return erasure


def subject_hash(department: Department, subject: str) -> str:
    """By which one can ask whether somebody was forgotten, and not who was."""
    key = settings.SECRET_KEY.encode()
    return hmac.digest(key, f"erasure·{department.pk}·{subject.strip().lower()}".encode(), "sha256").hex()


# --- what the worker does ---


def search(erasure: Erasure, progress: Progress) -> dict[str, Any]:
    """Look through everything; return the report."""
    subject = unseal(erasure.sealed_subject)
    versions = list(_ready_versions(erasure))
    found = []
    for done, version in enumerate(versions):
        progress(done / (len(versions) + 1), _("%(n)s of %(all)s versions") % {"n": done, "all": len(versions)})
        entry = _search_version(version, subject, erasure.columns)
        if entry:
            found.append(entry)
    seen_by = traces.witnesses(_ids_with_rows(found))
    return {
        "searched": {"versions": len(versions), "datasets": len({version.dataset_id for version in versions})},
        "versions": found,
        "held": traces.held(erasure.department_id, subject),
        "witnesses": [asdict(each) for each in seen_by],
        "unread": _unread(erasure),
    }


def _ids_with_rows(entries: list[dict[str, Any]]) -> list[UUID]:
    return [UUID(entry["id"]) for entry in entries if entry["rows"]]


def _ready_versions(erasure: Erasure) -> Iterable[DatasetVersion]:
    rows = DatasetVersion.objects.filter(department_id=erasure.department_id, state=VersionState.READY)
    return rows.select_related("dataset").defer("profile").order_by("dataset__name", "number")


def _unread(erasure: Erasure) -> int:
    """Versions whose file was never read into a table: it is kept, and may name anybody."""
    rows = DatasetVersion.objects.filter(department_id=erasure.department_id).exclude(state=VersionState.READY)
    return rows.exclude(source_key="").count()


def _search_version(version: DatasetVersion, subject: str, columns: list[str]) -> dict[str, Any] | None:
    schema = Schema.from_json(version.schema)
    with storage.local(version.storage_key) as path:
        found = subjects.find(path, schema, subject, columns)
    rejected = sum(_names(line, subject) for line in _rejected_lines(version.rejects_key))
    if not (found.rows or found.mentions or rejected):
        return None
    return {
        "id": str(version.pk), "dataset": str(version.dataset_id), "name": version.dataset.name, "number": version.number,
        "rows": found.rows, "columns": found.by_column, "mentions": found.mentions, "rejected_lines": rejected,
    }  # fmt: skip


def _rejected_lines(key: str) -> Iterator[list[str]]:
    if key:
        with storage.local(key) as path, path.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file)


def _names(line: list[str], subject: str) -> bool:
    return any(subject.lower() in cell.lower() for cell in line)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A version's content without the subject, stored, and not yet the version's."""

    version: DatasetVersion
    key: str
    manifest: Manifest
    rejects_key: str
    rows: int
    profile: dict[str, Any]
    removed: list[int]


def rewrite(erasure: Erasure, workdir: Path, progress: Progress) -> list[Rewritten]:
    """Write every version in which the subject stands anew, without those rows."""
    subject = unseal(erasure.sealed_subject)
    entries = [entry for entry in erasure.report["versions"] if entry["rows"] or entry["rejected_lines"]]
    made = []
    for done, entry in enumerate(entries):
        progress(0.9 * done / len(entries), f"{entry['name']} v{entry['number']}")
        version = DatasetVersion.objects.select_related("dataset").filter(pk=entry["id"]).first()
        if version is not None:
            made.append(_rewrite_version(version, subject, erasure.columns, workdir))
    return made


def _rewrite_version(version: DatasetVersion, subject: str, columns: list[str], workdir: Path) -> Rewritten:
    schema, target = Schema.from_json(version.schema), workdir / str(version.pk)
    with storage.local(version.storage_key) as path:
        removed = subjects.places(path, schema, subject, columns)
        made = subjects.without(path, target, schema, subject, columns)
    figures = profile(target, schema)
    key = storage.keep_table(target, made)
    shutil.rmtree(target)
    rejects = _rewrite_rejects(version, subject, workdir)
    return Rewritten(version, key, made, rejects, figures["rows"], figures, removed)


def _rewrite_rejects(version: DatasetVersion, subject: str, workdir: Path) -> str:
    if not version.rejects_key:
        return ""
    target = workdir / f"{version.pk}.rejects.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_blanked(line, subject) for line in _rejected_lines(version.rejects_key))
    key = storage.keep_path(target, "rejects").key
    target.unlink()
    return key


def _blanked(line: list[str], subject: str) -> list[str]:
    """The line stays, so that the count of rejected lines holds; its text goes."""
    return [*line[:-1], "(erased)"] if _names(line, subject) else line


def complete(erasure: Erasure, made: list[Rewritten]) -> None:
    """Put the rewritten contents in place, and drop the files in which the subject stood. Called inside the effect."""
    subject = unseal(erasure.sealed_subject)
    dropped: set[str] = set()
    erased = 0
    for each in made:
        dropped |= _replace(each)
        tables.forget(each.version.projected.all())
        traces.forget_rows(each.version.pk, each.removed)
        erased += (each.version.rows or 0) - each.rows
        _save(each)
    held = traces.erase_held(erasure.department_id, subject)
    erasure.state, erasure.erased_at, erasure.error = ErasureState.ERASED, timezone.now(), None
    erasure.sealed_subject = ""
    # A training that was under way when the person was found may have made a model since.
    witnesses = [asdict(each) for each in traces.witnesses(_ids_with_rows(erasure.report["versions"]))]
    erasure.report = {
        **erasure.report,
        "witnesses": witnesses,
        "paused_feeds": _pause_feeds(each.version for each in made),
        "erased": {"rows": erased, "versions": len(made), "held": held},
    }
    erasure.save()
    record("erasure.erased", erasure, details={"rows": erased, "versions": len(made), **held})
    transaction.on_commit(lambda: storage.discard(unused_keys(dropped)))


def _pause_feeds(versions: Iterable[DatasetVersion]) -> list[str]:
    """Stop the scheduled refreshes of these versions' data sets, and name them: the source still holds the person."""
    feeds = Feed.objects.filter(dataset__in={version.dataset_id for version in versions}).select_related("dataset")
    for feed in feeds:
        feed.is_paused = True
        feed.save(update_fields=["is_paused"])
        record("feed.pause", feed, details={"reason": "erasure"})
    return sorted(feed.dataset.name for feed in feeds)


def _replace(each: Rewritten) -> set[str]:
    version = each.version
    kept = {each.key, each.rejects_key, *storage.part_keys(each.manifest), ""}
    return {*stored_keys(version)} - kept


def _save(each: Rewritten) -> None:
    """The raw file goes too: it holds the same rows, and cannot be rewritten without losing what it was kept for."""
    version = each.version
    removed = (version.rows or 0) - each.rows
    note = _("%(rows)s rows were erased on %(day)s at the request of a person; the original file was deleted.")
    version.notes = [*version.notes, note % {"rows": f"{removed:,}", "day": timezone.now().date().isoformat()}]
    version.storage_key, version.sha256, version.rejects_key = each.key, each.manifest.sha256, each.rejects_key
    version.source_key, version.rows, version.profile = "", each.rows, each.profile
    version.quality = score(each.profile, version.rejected_rows or 0, version.quarantined_cells or 0).value
    version.save()
    name_parts(version, each.manifest)
    # Comparisons show rows.
    VersionDiff.objects.filter(Q(older=version) | Q(newer=version)).delete()
    details = {"rows": removed}
    record("dataset.rows_erased", version.dataset, version=version.number, details=details)


def fail(job: Job) -> None:
    """Let the erasure follow a job that did not succeed."""
    problem = job.error or {"code": job.state, "detail": _("The job was cancelled."), "hint": ""}
    rows = Erasure.objects.filter(job=job)
    rows.update(state=ErasureState.FAILED, error=problem)


def report_lines(erasure: Erasure) -> bytes:
    """The report as CSV, for the answer to the person: where they stood, and who saw it."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["kind", "name", "version", "department", "rows", "columns"])
    for entry in erasure.report.get("versions", []):
        columns = "; ".join([*entry["columns"], *(f"{name} (mentioned)" for name in entry["mentions"])])
        lines.writerow(["dataset", entry["name"], entry["number"], erasure.department.slug, entry["rows"], columns])
    for each in erasure.report.get("witnesses", []):
        lines.writerow([each["kind"], each["name"], each["version"], each["department"], "", each["dataset"]])
    return out.getvalue().encode()
