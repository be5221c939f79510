"""Keeping a data set up from a source: made, refreshed, changed, paused, detached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any

from django.db import models, transaction
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets.connectors._base import ConnectError, one_statement
from datasets.ingestion.read_file import ReadFile
from datasets.models import Dataset, DatasetVersion, Feed, Source, VersionState
from datasets.services import complete_version, fail_version, insert_dataset
from datasets.sources.schedule import GIVE_UP, after_failure, next_time
from departments.access import Actor, Verb, actor_for, require
from departments.notices import managers_of, notify
from departments.quotas import services as quotas
from jobs.models import Job, JobState
from jobs.services import enqueue
from rest.problems import Refused, invalid

# What can be set, and changed later; `settle_feed` checks them together.
CHANGEABLE = ("mode", "cursor", "keys", "overlap", "deletes", "every", "minutes", "at", "weekday", "is_paused")


@transaction.atomic
def create_feed(
    *,
    actor: Actor,
    source: Source,
    name: str = "",
    description: str = "",
    table: str = "",
    query: str = "",
    columns: Sequence[str] = (),
    options: dict[str, Any] | None = None,
    **settings: Any,
) -> Feed:
    """Make a data set from a table, file or query of a source, and queue its first import."""
    require(actor, Verb.CREATE, source)
    feed = Feed(
        source=source, department_id=source.department_id, table=table, query=query.strip(), columns=list(columns),
        options=options or {}, created_by_id=actor.person_id,
    )  # fmt: skip
    _check_selection(feed)
    _settle(feed, settings)
    feed.dataset = insert_dataset(
        department=source.department, name=name or _name_for(feed), description=description.strip(),
        created_by_id=actor.person_id,
    )  # fmt: skip
    feed.next_at = next_time(feed, timezone.now())
    feed.save()
    details = {"source": str(source.pk), "selection": feed.selection}
    record("dataset.create", feed.dataset, details=details)
    record("feed.create", feed, details={**details, "every": feed.every, "mode": feed.mode})
    _begin(actor, feed)
    return feed


@transaction.atomic
def update_feed(*, actor: Actor, feed: Feed, **settings: Any) -> Feed:
    """Change how and when a data set is refreshed; whoever changes it is who it is refreshed for from then on."""
    require(actor, Verb.EDIT, feed)
    before = {name: getattr(feed, name) for name in CHANGEABLE}
    _settle(feed, settings)
    changed = {name: getattr(feed, name) for name in CHANGEABLE if getattr(feed, name) != before[name]}
    if "cursor" in changed or "keys" in changed or "mode" in changed:
        feed.newest = ""  # the next refresh reads everything once
    feed.created_by_id, feed.failures = actor.person_id, 0
    feed.next_at = None if feed.is_paused else next_time(feed, timezone.now())
    feed.save()
    record("feed.update", feed, details={"changed": sorted(changed)})
    return feed


@transaction.atomic
def detach(*, actor: Actor, feed: Feed) -> None:
    """Keep the data set with its versions, and refresh it no more."""
    require(actor, Verb.EDIT, feed)
    record("feed.delete", feed, details={"source": str(feed.source_id), "dataset": str(feed.dataset_id)})
    feed.delete()


@transaction.atomic
def refresh(*, actor: Actor, feed: Feed) -> DatasetVersion:
    """Read the source now, into the next version."""
    require(actor, Verb.EDIT, feed)
    quotas.require(feed.source.department, "cpu")
    return _begin(actor, feed)


def _begin(actor: Actor, feed: Feed) -> DatasetVersion:
    """Add the next version and queue the job that reads it; refused while one is under way."""
    quotas.require(feed.source.department, "storage")
    Dataset.objects.select_for_update().get(pk=feed.dataset_id)
    if DatasetVersion.objects.filter(dataset_id=feed.dataset_id, state=VersionState.INGESTING).exists():
        raise Refused("refreshing", _("A version of this data set is being read already. Wait until it is ready."))
    last = DatasetVersion.objects.filter(dataset_id=feed.dataset_id).aggregate(last=models.Max("number"))["last"] or 0
    version = DatasetVersion.objects.create(
        dataset_id=feed.dataset_id, department_id=feed.department_id, number=last + 1,
        source_name=feed.selection[:255], options=feed.options, created_by_id=actor.person_id,
    )  # fmt: skip
    record("dataset.add_version", feed.dataset, version=version.number, details={"source": str(feed.source_id)})
    payload = {"version": str(version.pk), "feed": str(feed.pk)}
    department = feed.source.department
    job = enqueue("datasets.import", actor=actor, department=department, payload=payload, about=feed.dataset)
    version.job = feed.job = job
    version.save(update_fields=["job"])
    feed.save(update_fields=["job"])
    return version


def refresh_due() -> int:
    """Begin every refresh whose time has come; each is begun once, however many processes look. Returns how many."""
    now = timezone.now()
    due = Feed.objects.filter(is_paused=False, next_at__lte=now)
    begun = 0
    for feed in due.select_related("dataset", "source__department", "created_by").order_by("next_at")[:200]:
        with transaction.atomic():
            # Whoever moves the time has the turn.
            if Feed.objects.filter(pk=feed.pk, next_at=feed.next_at, is_paused=False).update(
                next_at=next_time(feed, now)
            ):
                begun += _begin_due(feed)
    return begun


def _begin_due(feed: Feed) -> int:
    try:
        actor = actor_for(feed.created_by)
        require(actor, Verb.EDIT, feed)
        with transaction.atomic():
            _begin(actor, feed)
        return 1
    except Refused as refused:
        if isinstance(refused, quotas.UsedUp):
            # The next turn may find room again.
            Feed.objects.filter(pk=feed.pk).update(last_outcome="failed", last_error=refused.as_problem())
        elif refused.code != "refreshing":
            _pause(feed, refused.as_problem())
        return 0
    except Http404:
        detail = _("The person for whom this data set was refreshed may not import into the department any more.")
        hint = _("A colleague can take it over: change the schedule, or start it again.")
        _pause(feed, {"code": "requester_gone", "detail": detail, "hint": hint})
        return 0


def _tell(kind: str, feed: Feed, mark: Any) -> None:
    """A notice to the person for whom the data set is refreshed, and to the managers; once for every `mark`."""
    people = [*managers_of(feed.department_id), *([feed.created_by] if feed.created_by else [])]
    names = {"name": feed.dataset.name, "source": feed.source.name}
    notify(
        kind, people, key=f"{kind}:{feed.pk}:{mark}", path=reverse("datasets:detail", args=[feed.dataset_id]), **names
    )


def _pause(feed: Feed, problem: dict[str, Any]) -> None:
    _tell("feed.paused", feed, timezone.now().date())
    Feed.objects.filter(pk=feed.pk).update(is_paused=True, next_at=None, last_outcome="failed", last_error=problem)
    record("feed.pause", feed, department_id=feed.department_id, details={"code": problem.get("code", "")})


def complete(feed: Feed, version: DatasetVersion, read: ReadFile, *, newest: str | None) -> None:
    """A refresh brought a new version. Called inside the job's effect."""
    complete_version(
        version=version, report=read.report, profile=read.profile, key=read.key, rejects_key=read.rejects_key
    )
    _note_success(feed, outcome="updated", newest=newest)
    if any(version.origin.get("drift", {}).values()):
        _tell("feed.drift", feed, version.pk)


def nothing_new(feed: Feed, version: DatasetVersion, *, newest: str | None) -> None:
    """A refresh found what was there already, so that no version is made. Called inside the job's effect."""
    version.delete()
    _note_success(feed, outcome="unchanged", newest=newest)
    record("feed.unchanged", feed)


def drop_version(version: DatasetVersion, job: Job) -> None:
    """A refresh failed. The feed says why; only a data set that has nothing else keeps the failed version, to show it."""
    others = DatasetVersion.objects.filter(dataset_id=version.dataset_id).exclude(pk=version.pk)
    if others.filter(state=VersionState.READY).exists():
        version.delete()
        return
    others.filter(state=VersionState.FAILED, source_key="").delete()
    fail_version(version=version, job=job)


def _note_success(feed: Feed, *, outcome: str, newest: str | None) -> None:
    values = {"newest": newest} if newest is not None else {}
    Feed.objects.filter(pk=feed.pk).update(
        last_at=timezone.now(), last_outcome=outcome, last_error=None, failures=0, **values
    )


def note_failure(feed: Feed, job: Job) -> None:
    """The refresh did not succeed: say so, wait longer each time, and stop after too many."""
    now = timezone.now()
    feed.last_at, feed.last_outcome = now, "failed"
    feed.last_error = job.error or {"code": job.state, "detail": _("The refresh was cancelled."), "hint": ""}
    if job.state == JobState.FAILED and feed.every != "never":
        feed.failures = min(feed.failures + 1, 1000)
        feed.is_paused = feed.is_paused or feed.failures >= GIVE_UP
        feed.next_at = None if feed.is_paused else after_failure(feed, now)
        if feed.failures == 1 or feed.is_paused:
            _tell("feed.paused" if feed.is_paused else "feed.failed", feed, job.pk)
    feed.save(update_fields=["last_at", "last_outcome", "last_error", "failures", "is_paused", "next_at"])
    record("feed.failed", feed, details={"code": feed.last_error.get("code", ""), "in_a_row": feed.failures})


def _check_selection(feed: Feed) -> None:
    declared = feed.source.declared
    if bool(feed.table) == bool(feed.query):
        raise invalid("table", _("choose a table or file, or write a query"))
    if feed.query:
        if not declared.takes_query:
            raise invalid("query", _("this kind of source takes no queries; choose a table or file"))
        try:
            feed.query = one_statement(feed.query)
        except ConnectError as error:
            raise invalid("query", f"{error.detail} {error.hint}", code=error.code) from None
    names = feed.columns
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names) or len(names) > 10_000:
        raise invalid("columns", _("expected a list of column names"))


def _settle(feed: Feed, settings: dict[str, Any]) -> None:
    """Take over the given settings and check that they fit together."""
    for name, value in settings.items():
        if name not in CHANGEABLE:
            raise invalid(name, _("unknown setting"))
        setattr(feed, name, value)
    if feed.mode == "changes":
        if feed.source.declared.read_batches is None:
            raise invalid("mode", _("files are always read whole"))
        if not feed.cursor:
            raise invalid("cursor", _("name the column that grows with every change, such as updated_at"))
        if not feed.keys or not all(isinstance(key, str) and key for key in feed.keys):
            raise invalid("keys", _("name the columns that tell one row from another"))
        missing = [name for name in (feed.cursor, *feed.keys) if feed.columns and name not in feed.columns]
        if missing:
            raise invalid("columns", _("the cursor and the key columns must be read too: %s") % ", ".join(missing))
    if feed.every == "interval" and not 1 <= feed.minutes <= 60 * 24 * 31:
        raise invalid("minutes", _("choose from 1 minute to 31 days"))
    if feed.every in {"day", "week"} and not isinstance(feed.at, time):
        raise invalid("at", _("choose a time of day (UTC)"))
    if not 0 <= feed.weekday <= 6:
        raise invalid("weekday", _("choose from 0 (Monday) to 6 (Sunday)"))
    if not 0 <= feed.overlap <= 1e12:
        raise invalid("overlap", _("expected a number of at least 0"))


def _name_for(feed: Feed) -> str:
    return (feed.table.rsplit("/", 1)[-1] or f"{feed.source.name} query")[:120]
