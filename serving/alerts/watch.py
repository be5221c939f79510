"""Judging deployments by their rules, once a minute: alerts open, stay and close by themselves.

An alert closes when its figure has been clear of the threshold, by a margin, for a while: a figure that hovers around
it neither opens nor closes anything again and again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from departments.quotas import services as quotas
from serving.alerts.models import Alert, AlertRule, Severity
from serving.alerts.services import close_alert, raise_alert, rules_of
from serving.models import Deployment, DeploymentState
from serving.monitoring import latency, performance, windows
from serving.monitoring.models import RefusedCalls, TrafficHour, TrafficMinute
from serving.runtime.drift.compare import Drift
from serving.uncertainty.realised import realised

MINUTES = 10  # of the rules that look at the last minutes
FEWEST_CALLS = 20
MARGIN = 0.9  # clear is below this share of the threshold
CLEAR_AFTER = timedelta(minutes=15)
GRAVE = 2.0  # times the threshold: critical
NAMED = 3
_log = logging.getLogger("serving.alerts")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule found. `value` is None where there is too little to judge by; `holds` may demand more than a figure
    beyond the threshold, as drift does."""

    value: float | None
    details: dict[str, Any] = field(default_factory=dict)
    holds: bool = True


def watch() -> int:
    """Judge every deployment that answers; return how many alerts are open."""
    for deployment in _asked():
        try:
            judge(deployment)
        except Exception:  # one deployment's trouble keeps no other unwatched
            _log.exception("%s could not be judged", deployment.name)
    return Alert.objects.filter(closed_at=None).count()


def _asked() -> Iterator[Deployment]:
    """Active ones that somebody asked lately, or whose alerts are open."""
    begin = windows.since(168)
    asked = TrafficHour.objects.filter(hour__gte=begin).values("deployment")
    refused = RefusedCalls.objects.filter(at__gte=begin).values("deployment")
    alarmed = Alert.objects.filter(closed_at=None).values("deployment")
    found = Deployment.objects.filter(Q(pk__in=asked) | Q(pk__in=refused) | Q(pk__in=alarmed))
    yield from found.filter(state=DeploymentState.ACTIVE).select_related("department", "model_version")


def judge(deployment: Deployment) -> None:
    """Measure every rule that is on, and open or close what follows."""
    open_ = {alert.kind: alert for alert in Alert.objects.filter(deployment=deployment, closed_at=None)}
    for kind, rule in rules_of(deployment).items():
        alert = open_.get(kind)
        if rule.is_on:
            _settle(deployment, rule, MEASURES[kind](deployment, rule), alert)
        elif alert is not None:
            close_alert(alert)


def _settle(deployment: Deployment, rule: AlertRule, found: Reading, alert: Alert | None) -> None:
    if found.value is None:
        return
    if found.value >= rule.threshold and found.holds:
        severity = Severity.CRITICAL if found.value >= GRAVE * rule.threshold else Severity.WARNING
        raise_alert(deployment, rule.kind, severity, details={**found.details, "threshold": rule.threshold})
    elif alert is not None:
        _may_be_over(alert, is_clear=found.value < MARGIN * rule.threshold or not found.holds)


@transaction.atomic
def _may_be_over(alert: Alert, *, is_clear: bool) -> None:
    now = timezone.now()
    if is_clear and alert.clear_since and now - alert.clear_since >= CLEAR_AFTER:
        close_alert(alert)
        return
    since = (alert.clear_since or now) if is_clear else None
    if since != alert.clear_since:
        Alert.objects.filter(pk=alert.pk, closed_at=None).update(clear_since=since)


def _drift(deployment: Deployment, rule: AlertRule) -> Reading:
    columns, _answers = _drifts(deployment, rule)
    judged = [each for each in columns if each.psi is not None]
    if not judged:
        return Reading(None)
    found = [each for each in judged if each.drifted(rule.threshold)]
    named = [f"“{each.column}”" for each in found[:NAMED]] + (["…"] if len(found) > NAMED else [])
    worst = found[0] if found else judged[0]
    details = {"columns": ", ".join(named), "value": f"{worst.psi:.2f}", "count": len(found)}
    return Reading(worst.psi, details, holds=bool(found))


def _answers(deployment: Deployment, rule: AlertRule) -> Reading:
    _columns, answers = _drifts(deployment, rule)
    if answers is None or answers.psi is None:
        return Reading(None)
    return Reading(answers.psi, {"value": f"{answers.psi:.2f}"}, holds=answers.drifted(rule.threshold))


def _drifts(deployment: Deployment, rule: AlertRule) -> tuple[list[Drift], Drift | None]:
    version = deployment.model_version
    return windows.drifts(version, windows.window_of(deployment, version, rule.hours))


def _performance(deployment: Deployment, rule: AlertRule) -> Reading:
    found = performance.performance_of(deployment, deployment.model_version, rule.hours)
    if found.rise is None:
        return Reading(None)
    value, tested = (f"{each:.3g}" for each in (found.overall.value, found.tested))
    details = {"metric": found.metric, "value": value, "tested": tested, "truths": found.overall.count}
    return Reading(found.rise, details)


def _errors(deployment: Deployment, rule: AlertRule) -> Reading:
    begin = _lately()
    minutes = TrafficMinute.objects.filter(deployment=deployment, minute__gte=begin)
    answered = sum(minutes.values_list("calls", flat=True))
    refused = windows.refused_since(deployment, begin)
    if answered + refused < FEWEST_CALLS:
        return Reading(0.0)
    share = refused / (answered + refused)
    return Reading(share, {"share": f"{share:.1%}", "minutes": MINUTES, "calls": answered + refused})


def _latency(deployment: Deployment, rule: AlertRule) -> Reading:
    counts: list[int] = []
    minutes = TrafficMinute.objects.filter(deployment=deployment, minute__gte=_lately())
    for each in minutes.values_list("latency", flat=True):
        counts = latency.add(counts, each)
    p95 = latency.percentile(counts, 0.95)
    if p95 is None or sum(counts) < FEWEST_CALLS:
        return Reading(0.0)
    return Reading(p95 / 1000, {"value": f"{p95 / 1000:.3g}", "minutes": MINUTES, "calls": sum(counts)})


def _lately() -> datetime:
    return timezone.now() - timedelta(minutes=MINUTES)


def _quota(deployment: Deployment, rule: AlertRule) -> Reading:
    use = next(each for each in quotas.uses(deployment.department) if each.kind == "predictions")
    if use.share is None:
        return Reading(0.0)
    return Reading(use.share, {"share": f"{use.share:.0%}", "department": deployment.department.name})


def _coverage(deployment: Deployment, rule: AlertRule) -> Reading:
    found = realised(deployment, since=windows.since(rule.hours), version=deployment.model_version)
    if found is None or found.rows < performance.FEWEST:
        return Reading(None)
    details = {"value": f"{found.share:.1%}", "promised": f"{found.level:.0%}", "truths": found.rows}
    # By the interval's better end: what chance explains is no alarm.
    return Reading(max(0.0, found.level - found.high), details)


MEASURES: dict[str, Callable[[Deployment, AlertRule], Reading]] = {
    "drift": _drift,
    "answers": _answers,
    "performance": _performance,
    "errors": _errors,
    "latency": _latency,
    "quota": _quota,
    "coverage": _coverage,
}
