"""A deployment's monitoring over one window, as the page and the API show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from departments.quotas import services as quotas
from rest.problems import invalid
from serving.alerts.services import rules_of
from serving.models import Alert, Deployment
from serving.monitoring import latency, performance, windows
from serving.monitoring.callers import Caller, callers_of
from serving.monitoring.performance import Performance
from serving.monitoring.references import reference_of
from serving.monitoring.windows import DEFAULT, WINDOWS, Window
from serving.runtime.drift.compare import MINIMUM, Drift

CLOSED_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Report:
    """Everything of one window. `why_no_drift` is a code where nothing can be compared: no_reference, few_rows."""

    name: str
    window: Window
    drifts: list[Drift]
    answers: Drift | None
    threshold: float
    why_no_drift: str
    why_no_answers: str
    performance: Performance
    buckets: list[tuple[int, int, int]]
    callers: list[Caller]
    alerts: list[Alert]
    closed: list[Alert]
    quota: quotas.Use | None


def report_of(deployment: Deployment, name: str = DEFAULT) -> Report:
    """Raises Refused (422) for a window that does not exist."""
    if name not in WINDOWS:
        raise invalid("window", f"got {name[:20]!r}; choose from {', '.join(WINDOWS)}")
    version = deployment.model_version
    window = windows.window_of(deployment, version, WINDOWS[name][0])
    drifts, answers = windows.drifts(version, window)
    reference = reference_of(version.pk)
    judged = any(drift.psi is not None for drift in drifts)
    alerts = Alert.objects.filter(deployment=deployment).select_related("deployment", "acknowledged_by", "closed_by")
    use = next(each for each in quotas.uses(deployment.department) if each.kind == "predictions")
    return Report(
        name=name,
        window=window,
        drifts=drifts,
        answers=answers if answers and answers.psi is not None else None,
        threshold=rules_of(deployment)["drift"].threshold,
        why_no_drift="" if judged else "few_rows" if reference.columns else "no_reference",
        why_no_answers=_why_no_answers(answers),
        performance=performance.performance_of(deployment, version, WINDOWS[name][0]),
        buckets=latency.coarse(window.latency),
        callers=callers_of(window.callers),
        alerts=list(alerts.filter(closed_at=None)),
        closed=list(alerts.exclude(closed_at=None)[:CLOSED_SHOWN]),
        quota=use if use.limit is not None else None,
    )


def _why_no_answers(answers: Drift | None) -> str:
    if answers is None:
        return "no_reference"
    return "" if answers.psi is not None else "few_rows"


def rows_needed() -> int:
    return MINIMUM


def drift_as_json(drift: Drift, threshold: float) -> dict[str, Any]:
    """A comparison without names of groups, which are values of rows."""
    return {
        "column": drift.column,
        "values": drift.values,
        "psi": drift.psi,
        "p": drift.adjusted if drift.tests else None,
        "drifted": drift.drifted(threshold),
        "missing": {"reference": drift.missing[0], "live": drift.missing[1]},
        "unseen": drift.unseen,
        "tests": [
            {"test": each.name, "statistic": each.statistic, "p": each.p, "holm": each.adjusted, "q": each.q}
            for each in drift.tests
        ],
        "groups": [{"name": group_name(name), "reference": a, "live": b} for name, a, b in drift.groups],
    }


def group_name(name: Any) -> str:
    """A group in words: a category, or a range of numbers."""
    if isinstance(name, tuple):
        low, high = (None if each is None else f"{each:.4g}" for each in name)
        if low is None or high is None:
            return f"≤ {high}" if high else f"> {low}" if low else "any"
        return f"{low} – {high}"
    return "other" if name is None else str(name)
