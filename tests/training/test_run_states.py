"""Every signal in every situation of a run does what the table says, and the docs show that table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from departments.access import actor_for
from jobs import lifecycle
from jobs.models import Job
from jobs.outcome import Outcome, settle
from rest.problems import Refused
from training import services
from training.models import TrainingRun
from training.states import REFUSALS, SIGNALS, SITUATIONS, TABLE, allowed, as_markdown, situation_of

DOCS = Path(__file__).resolve().parents[2] / "docs" / "training-runs.md"
BEGUN = {"started_at": timezone.now()}
RUNNING = {"state": "running", "worker": "w", **BEGUN}
JOBS: dict[str, dict[str, Any]] = {
    "queued": {},
    "queued again": {"attempt": 2, **BEGUN},
    "running": RUNNING,
    "pausing": {**RUNNING, "signal": "pause"},
    "stopping": {**RUNNING, "signal": "stop"},
    "cancelling": {**RUNNING, "signal": "cancel"},
    "held": {"state": "paused"},
    "paused": {"state": "paused", **BEGUN},
    "ended": {"state": "failed", "finished_at": timezone.now(), **BEGUN},
}


@pytest.fixture
def run_in(linear_run: Callable[..., Any]) -> Callable[[str], Any]:
    """`run_in("paused")`: a run whose job is arranged to be in that situation."""

    def arrange(situation: str) -> Any:
        run = linear_run()
        Job.objects.filter(pk=run.job_id).update(**JOBS[situation])
        return fresh(run)

    return arrange


def fresh(run: Any) -> Any:
    return TrainingRun.objects.select_related("job").get(pk=run.pk)


def test_the_table_is_whole() -> None:
    assert set(TABLE) == {(situation, signal) for situation in SITUATIONS for signal in SIGNALS}
    assert {step.code for step in TABLE.values() if step.code} == set(REFUSALS)
    assert {step.to for step in TABLE.values() if step.to} <= set(SITUATIONS)


@pytest.mark.parametrize(("situation", "signal"), TABLE, ids=" + ".join)
def test_every_pair(run_in: Callable[[str], Any], people: SimpleNamespace, situation: str, signal: str) -> None:
    run, step = run_in(situation), TABLE[situation, signal]
    assert situation_of(run) == situation
    before = AuditEvent.objects.count()
    if step.code:
        with pytest.raises(Refused) as refused:
            services.signal_run(actor=actor_for(people.alice), run=run, signal=signal)
        assert (refused.value.code, refused.value.status) == (step.code, 409)
        assert situation_of(fresh(run)) == situation and AuditEvent.objects.count() == before
        return
    services.signal_run(actor=actor_for(people.alice), run=run, signal=signal)
    run = fresh(run)
    assert situation_of(run) == step.to
    if step.to in ("ended", "held", "paused"):
        assert run.current_state == step.end, "no worker has it: the signal takes effect at once"
        assert run.job.child_pid is None and run.job.lease_expires_at is None
    else:
        assert run.job.signal == {"stopped": "stop", "cancelled": "cancel", "paused": "pause"}.get(step.end, "")


@pytest.mark.parametrize(("outcome", "end"), [("paused", "paused"), ("cancelled", "ended")])
def test_a_worker_settles_what_was_asked(run_in: Callable[[str], Any], outcome: str, end: str) -> None:
    run = run_in("queued")
    job = lifecycle.claim(run.job_id, 1, worker="w")
    assert job is not None and situation_of(fresh(run)) == "running"
    settle(job, Outcome(outcome))
    assert situation_of(fresh(run)) == end


def test_pages_offer_what_changes_something() -> None:
    assert allowed("queued") == ["pause", "cancel"]
    assert allowed("running") == ["pause", "stop", "cancel"]
    assert allowed("paused") == ["resume", "stop", "cancel"]
    assert allowed("cancelling") == allowed("ended") == []


def test_the_docs_show_the_table() -> None:
    text = DOCS.read_text()
    assert as_markdown() in text
    assert all(f"| **{name}** | {meaning} |" in text for name, meaning in SITUATIONS.items())
