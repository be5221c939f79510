"""Jobs that reach outside systems. Only here, in a job's limited process, are connections opened."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import shared_task
from django.utils.translation import gettext_lazy as _

from datasets.connectors._base import Config, ConnectError
from datasets.models import DatasetVersion, Feed, Source
from datasets.sources import connection
from datasets.sources import feeds as feed_services
from datasets.sources import services as source_services
from datasets.sources.refreshing import Refresh
from jobs.context import JobContext
from jobs.errors import Cancelled, JobFailed
from jobs.models import Job, JobState
from jobs.registry import handler

logger = logging.getLogger("atrium.datasets")


@handler("datasets.look_around", title=_("Look around in a source"), memory_mb=1024, cpu_seconds=600, priority=0)
def look_around(ctx: JobContext) -> dict[str, Any] | None:
    """Check a source's connection and find out what can be read there."""
    source = Source.objects.filter(pk=ctx.payload["source"]).first()
    if source is None:
        raise JobFailed("gone", "The source was deleted before it was checked.")
    checked: dict[str, Any] = {"ok": False, "code": "", "detail": "", "hint": ""}
    tables = None
    ctx.progress(0.1, "Connecting")
    try:
        with reached(source, ctx) as config:
            checked |= {"ok": True, "detail": source.declared.check(config)}
            ctx.progress(0.5, "Looking around")
            tables = source.declared.discover(config)
    except JobFailed as error:
        checked |= {"ok": False, "code": error.code, "detail": error.detail, "hint": error.hint}
        with ctx.write():
            source_services.keep_check(source, checked, tables)
        raise
    result = {"tables": len(tables)}
    with ctx.effect(result):
        source_services.keep_check(source, checked, tables)
    return result


@contextmanager
def reached(source: Source, ctx: JobContext) -> Iterator[Config]:
    """Within the block, the source's connection settings; whatever goes wrong leaves as JobFailed without a secret."""
    try:
        with connection.opened(source, ctx.workdir) as config:
            yield config
    except (JobFailed, Cancelled):
        raise
    except ConnectError as error:
        raise JobFailed(error.code, error.detail, error.hint) from None
    except Exception as error:
        # A driver's own message may quote what it was given; only its kind and place are told.
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        at = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else ""
        logger.error("source %s: %s at %s", source.pk, type(error).__name__, at)
        hint = "Try again; if it stays, give your administrator the job's id: the worker log says where it broke."
        raise JobFailed("source_error", f"Reading broke off ({type(error).__name__}).", hint) from None


def settle_refresh(job: Job) -> None:
    """Let version and feed follow a refresh that did not succeed."""
    if job.state not in (JobState.FAILED, JobState.CANCELLED):
        return
    feed = Feed.objects.select_related("dataset", "source").filter(pk=job.payload["feed"]).first()
    version = DatasetVersion.objects.select_related("dataset").filter(pk=job.payload["version"]).first()
    if version is not None:
        feed_services.drop_version(version, job)
    if feed is not None:
        feed_services.note_failure(feed, job)


@handler("datasets.import", title=_("Import from a source"), memory_mb=4096, cpu_seconds=7200, on_finish=settle_refresh)
def import_from_source(ctx: JobContext) -> dict[str, Any] | None:
    """Read what a feed asks for into its next version."""
    version = DatasetVersion.objects.select_related("dataset").filter(pk=ctx.payload["version"]).first()
    feed = Feed.objects.select_related("source", "dataset").filter(pk=ctx.payload["feed"]).first()
    if version is None or feed is None:
        raise JobFailed("gone", "The data set, or its tie to the source, was deleted before it was read.")
    work = Refresh(ctx, feed, version)
    with reached(feed.source, ctx) as config:
        work.bring(config)
    return work.finish()


@shared_task(name="datasets.tasks.refresh_due")
def refresh_due() -> None:
    """Begin the refreshes whose time has come."""
    feed_services.refresh_due()
