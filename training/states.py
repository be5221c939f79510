"""The states of a run and what each signal does in them: the one table that services, pages, docs and tests read.

A run's row knows how it ended; while it lives, its job knows the rest. `situation_of` puts both together.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.models import JobState
from training.models import TrainingRun

SIGNALS = ("pause", "resume", "stop", "cancel")
SITUATIONS = {
    "queued": "waits for its first worker",
    "queued again": "began before, and waits for a worker to go on from its checkpoint",
    "running": "a worker's child process trains",
    "pausing": "runs, and was asked to pause",
    "stopping": "was asked to stop and keep the best, and has not ended yet",
    "cancelling": "runs, and was asked to cancel",
    "held": "paused before it began",
    "paused": "paused at a checkpoint; no process and no worker has it",
    "ended": "succeeded, stopped, failed or cancelled",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What a signal leads to. `to` is the situation right after it, `end` the state that follows within 5 s once a
    worker has the run; a refused signal has the `code` of its 409 instead."""

    to: str = ""
    end: str = ""
    code: str = ""


_NOT_PAUSED, _NOT_STARTED, _ENDING, _ENDED = (
    Step(code=code) for code in ("not_paused", "not_started", "run_ending", "run_ended")
)
_CANCELLED, _CANCELLING = Step("ended", "cancelled"), Step("cancelling", "cancelled")
_STOPPING, _PAUSING = Step("stopping", "stopped"), Step("pausing", "paused")
# In the order of SIGNALS: pause, resume, stop, cancel.
_ROWS = {
    "queued": (Step("held", "paused"), _NOT_PAUSED, _NOT_STARTED, _CANCELLED),
    "queued again": (Step("paused", "paused"), _NOT_PAUSED, _STOPPING, _CANCELLED),
    "running": (_PAUSING, _NOT_PAUSED, _STOPPING, _CANCELLING),
    "pausing": (_PAUSING, Step("running", "running"), _STOPPING, _CANCELLING),
    "stopping": (_ENDING, _ENDING, _STOPPING, _CANCELLING),
    "cancelling": (_ENDING, _ENDING, _ENDING, _CANCELLING),
    "held": (Step("held", "paused"), Step("queued", "running"), _NOT_STARTED, _CANCELLED),
    "paused": (Step("paused", "paused"), Step("queued again", "running"), _STOPPING, _CANCELLED),
    "ended": (_ENDED, _ENDED, _ENDED, _ENDED),
}
TABLE = {(name, signal): step for name, row in _ROWS.items() for signal, step in zip(SIGNALS, row, strict=True)}
REFUSALS: dict[str, str | Promise] = {
    "not_paused": _("This run is not paused, so there is nothing to resume."),
    "not_started": _("This run has not begun, so there is nothing to keep. Cancel it instead."),
    "run_ending": _("This run is ending already. Wait a few seconds; its page shows what came of it."),
    "run_ended": _("This run has ended; there is nothing left to steer. Train again with changes instead."),
}


def situation_of(run: TrainingRun) -> str:
    """The run's situation, one of SITUATIONS, by its own row and its job's."""
    job = run.job
    if run.is_finished or job is None or job.is_finished:
        return "ended"
    begun = job.started_at is not None
    if job.state == JobState.PAUSED:
        return "paused" if begun else "held"
    if job.signal in ("stop", "cancel"):
        return {"stop": "stopping", "cancel": "cancelling"}[job.signal]
    if job.state == JobState.QUEUED:
        return "queued again" if begun else "queued"
    return "pausing" if job.signal == "pause" else "running"


def allowed(situation: str) -> list[str]:
    """The signals that change something in a situation: the buttons that a page shows."""
    steps = {signal: TABLE[situation, signal] for signal in SIGNALS}
    return [signal for signal, step in steps.items() if not step.code and step.to != situation]


def as_markdown() -> str:
    """TABLE as docs/training-runs.md shows it."""
    head = ["| situation | pause | resume | stop & keep the best | cancel & discard |", "|---|---|---|---|---|"]
    rows = ["| " + " | ".join([f"**{name}**", *map(_cell, _ROWS[name])]) + " |" for name in SITUATIONS]
    return "\n".join([*head, *rows])


def _cell(step: Step) -> str:
    if step.code:
        return f"409 `{step.code}`"
    return step.to if step.end in (step.to, "") or step.to == "held" else f"{step.to} → {step.end}"
