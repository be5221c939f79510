"""The job that answers a table: read under the decision of its own moment, kept as any file that is imported."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from audit.services import record
from datasets import services as datasets
from datasets import storage, tables
from datasets.ingestion.read_file import read_file
from departments.access import Decision, Verb, require_in
from departments.quotas import ledger
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job, JobState
from jobs.registry import handler
from jobs.services import requester
from serving import snapshots
from serving.batch.answering import Counts, answer_table
from serving.batch.models import BatchPrediction
from serving.batch.services import FILENAME, KIND, require_rows
from serving.runtime.answering import Snapshot

RELATED = ("deployment__department", "department", "model_version__run", "source__dataset", "result__dataset")
SHARE = 0.7  # of the job is the answering; then the outcome is read and profiled


def may_answer(job: Job) -> None:
    """A grant may have ended since the job was asked for."""
    _decision(_batch(job), job)


def _batch(job: Job) -> BatchPrediction:
    batch = BatchPrediction.objects.select_related(*RELATED).filter(pk=job.payload["batch"]).first()
    if batch is None or batch.source is None or batch.result is None:
        raise JobFailed("gone", "The deployment, its data set or the result was deleted meanwhile.", "")
    return batch


def _decision(batch: BatchPrediction, job: Job) -> Decision:
    actor = requester(job)
    require_in(actor, Verb.CREATE, batch.department)
    assert batch.source is not None
    return require_rows(actor, batch.department, batch.deployment, batch.source)


def settle(job: Job) -> None:
    batch = BatchPrediction.objects.select_related("result__dataset").filter(pk=job.payload["batch"]).first()
    if batch is not None and batch.result is not None and job.state in (JobState.FAILED, JobState.CANCELLED):
        datasets.fail_version(version=batch.result, job=job)


@handler(
    KIND, title=_("Predict a data set"), memory_mb=4096, cpu_seconds=4 * 3600, authorize=may_answer, recheck=True,
    on_finish=settle,
)  # fmt: skip
def predict(ctx: JobContext) -> dict[str, Any]:
    """Answer every row of the source into the result's version."""
    job = ctx.job()
    batch = _batch(job)
    made, aside = ctx.workdir / FILENAME, ctx.workdir / "refused.csv"
    counts = _answer(ctx, batch, _decision(batch, job), made, aside)
    ctx.log(f"{counts.answered:,} of {counts.read:,} rows are answered.")
    if not counts.answered:
        raise JobFailed("nothing_answered", "The model can read none of the rows.", _hint(aside))
    version = batch.result
    assert version is not None
    kept = storage.keep_path(made, "sources")
    version.source_key, version.source_sha256, version.source_bytes = kept.key, kept.sha256, kept.size
    rejects_key = storage.keep_path(aside, "rejects").key if counts.rejected else ""

    def progress(fraction: float, note: str) -> None:
        ctx.step(SHARE + (1 - SHARE) * fraction, note)

    with read_file(ctx, made, filename=FILENAME, options={}, progress=progress) as read:
        report = replace(read.report, rejected_rows=counts.rejected)
        result = {**read.result, "rejected_rows": counts.rejected}
        with ctx.effect(result) as now:
            may_answer(now)
            datasets.complete_version(
                version=version, report=report, profile=read.profile, key=read.key, rejects_key=rejects_key
            )
            _book(batch, counts)
    return result


def _answer(ctx: JobContext, batch: BatchPrediction, decision: Decision, made: Path, aside: Path) -> Counts:
    assert batch.source is not None
    with tables.opened(batch.source, decision) as table:
        counts = answer_table(
            _snapshot(batch), table.path, made, aside, keep=batch.keep,
            step=lambda fraction, note: ctx.step(SHARE * fraction, note),
        )  # fmt: skip
    with ctx.write():
        datasets.record_read(batch.source, decision, "predict", deployment=batch.deployment.name, rows=counts.read)
    return counts


def _snapshot(batch: BatchPrediction) -> Snapshot:
    """The deployment with the version that it had when the batch was asked for; one version answers all the rows."""
    deployment = snapshots.rows().get(pk=batch.deployment_id)
    champion = snapshots.served(batch.model_version, deployment.policy)
    return replace(snapshots.opened(deployment), champion=champion, challenger=None, mode=None)


def _hint(aside: Path) -> str:
    """The columns of the first refusals; their reasons quote values, which the log of a job may not show."""
    with aside.open(encoding="utf-8", newline="") as file:
        columns = {line["column"] for line in islice(csv.DictReader(file), 100)} - {""}
    return f"Look at {', '.join(sorted(columns))}." if columns else ""


def _book(batch: BatchPrediction, counts: Counts) -> None:
    """Counted as answered over REST are: one event, which the department's predictions are recounted by."""
    ledger.book(batch.deployment.department_id, "predictions", counts.answered)
    details = {"calls": 1, "rows": counts.answered, "batch": str(batch.pk)}
    record("deployment.predict", batch.deployment, version=batch.model_version.number, details=details)
