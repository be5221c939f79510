"""Who sees what of a model: its card names values of the data it learned from."""

from __future__ import annotations

from typing import Any

from departments.access import Actor, Verb, decide
from training.models import TrainingRun

PLAIN = (
    "state",
    "score",
    "rows",
    "seconds",
    "seed",
    "parity",
    "manifest_sha256",
    "record",
    "latency_ms",
    "left_out",
    "reproduction",
)
NAMED_AFTER_VALUES = ("classes", "confusion", "features", "input_schema")


def sees_values(actor: Actor, obj: Any) -> bool:
    """Categories, examples and ranges of inputs are values of rows: for whoever may preview or predict."""
    return any(decide(actor, verb, obj).allowed for verb in (Verb.PREVIEW, Verb.PREDICT))


def report_for(run: TrainingRun, *, values: bool) -> dict[str, Any]:
    """The run's report; without `values`, neither classes nor encoded columns, which are named after values."""
    kept = PLAIN if not values else (*PLAIN, *NAMED_AFTER_VALUES)
    return {name: run.report[name] for name in kept if name in run.report}
