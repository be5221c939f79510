"""Opening, acknowledging and closing alerts, and setting from when on something is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from departments.notices import engineers_of, notify
from rest.problems import Refused, invalid
from serving.alerts.kinds import KINDS, Rule
from serving.alerts.models import Alert, AlertRule, Severity
from serving.models import Deployment
from webhooks.events import emit

HOURS = (1, 24, 168)


@transaction.atomic
def raise_alert(
    deployment: Deployment, kind: str, severity: str, message: str = "", details: Mapping[str, Any] | None = None
) -> Alert:
    """Open an alert, or go on with the one of this kind that is open; its figures become these.

    `details` fill the kind's text (serving/alerts/kinds.py); `message` may say more, in the platform's language. The
    department's engineers and managers are told, in the app and by mail, when it opens and when it becomes critical; so
    are webhooks.
    """
    if kind not in KINDS:
        raise KeyError(f"unknown alert {kind!r}; known are {', '.join(KINDS)}")
    # Whoever evaluates has the deployment's row: two workers at once would both open one.
    Deployment.objects.select_for_update().get(pk=deployment.pk)
    told = {**(details or {}), "name": deployment.name, "message": message}
    now = timezone.now()
    alert: Alert | None = Alert.objects.filter(deployment=deployment, kind=kind, closed_at=None).first()
    if alert is None:
        alert = Alert.objects.create(
            deployment=deployment, department_id=deployment.department_id, kind=kind, severity=severity,
            message=message[:300], details=told, opened_at=now, seen_at=now,
        )  # fmt: skip
        _opened(alert)
        return alert
    graver = (alert.severity, severity) == (Severity.WARNING, Severity.CRITICAL)
    alert.severity = Severity.CRITICAL if graver else alert.severity
    alert.details, alert.message, alert.seen_at, alert.clear_since = told, message[:300], now, None
    alert.save(update_fields=["severity", "details", "message", "seen_at", "clear_since"])
    if graver:
        _opened(alert)
    return alert


def _opened(alert: Alert) -> None:
    record("alert.open", alert, details={"kind": alert.kind, "severity": alert.severity})
    _tell(alert, f"alert.{alert.kind}", f"alert:{alert.pk}:{alert.severity}")
    emit(alert.department_id, "alert.opened", as_event(alert))


def _tell(alert: Alert, notice: str, key: str) -> None:
    path = reverse("serving:monitoring", args=[alert.deployment.name])
    notify(notice, engineers_of(alert.department_id), key=key, path=path, **alert.details)


def as_event(alert: Alert) -> dict[str, Any]:
    """An alert as webhooks carry it."""
    deployment = alert.deployment
    return {
        "alert": {
            "id": str(alert.pk), "kind": alert.kind, "severity": alert.severity, "text": alert.text,
            "message": alert.message, "opened_at": alert.opened_at.isoformat(),
            "closed_at": alert.closed_at.isoformat() if alert.closed_at else None, "details": alert.details,
        },
        "deployment": {"id": str(deployment.pk), "name": deployment.name},
    }  # fmt: skip


@transaction.atomic
def close_alert(alert: Alert, *, actor: Actor | None = None) -> Alert:
    """The problem is over: found so, or said so by a person, who needs the right to deploy."""
    rule = require(actor, Verb.DEPLOY, alert.deployment).rule if actor else ""
    closing = Alert.objects.filter(pk=alert.pk, closed_at=None)
    if not closing.update(closed_at=timezone.now(), closed_by_id=actor.person_id if actor else None):
        return alert
    alert.refresh_from_db()
    record("alert.close", alert, rule=rule, details={"kind": alert.kind})
    _tell(alert, f"alert.{alert.kind}.closed", f"alert:{alert.pk}:closed")
    emit(alert.department_id, "alert.closed", as_event(alert))
    return alert


@transaction.atomic
def acknowledge(*, actor: Actor, alert: Alert) -> Alert:
    """Say that somebody looks after it."""
    decision = require(actor, Verb.DEPLOY, alert.deployment)
    if alert.closed_at is not None:
        raise Refused("alert_closed", _("This alert is closed already."))
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by_id = timezone.now(), actor.person_id
        alert.save(update_fields=["acknowledged_at", "acknowledged_by"])
        record("alert.acknowledge", alert, rule=decision.rule, details={"kind": alert.kind})
    return alert


def rules_of(deployment: Deployment) -> dict[str, AlertRule]:
    """The rule of every kind that has one: as set, or as it is by default."""
    own = {rule.kind: rule for rule in AlertRule.objects.filter(deployment=deployment)}
    return {name: own.get(name) or _default(deployment, name, kind.rule) for name, kind in KINDS.items() if kind.rule}


def _default(deployment: Deployment, kind: str, rule: Rule) -> AlertRule:
    return AlertRule(deployment=deployment, kind=kind, threshold=rule.threshold, hours=rule.hours)


@transaction.atomic
def set_rule(
    *, actor: Actor, deployment: Deployment, kind: str, is_on: bool, threshold: float, hours: int | None = None
) -> AlertRule:
    """Turn a rule on or off, or move its threshold. `hours` is one of HOURS, for kinds that look at a window."""
    decision = require(actor, Verb.DEPLOY, deployment)
    declared = KINDS[kind].rule if kind in KINDS else None
    if declared is None:
        raise invalid("kind", _("choose from %s") % ", ".join(name for name, each in KINDS.items() if each.rule))
    if not 0 < threshold < 1e9:
        raise invalid("threshold", _("a number above 0"))
    hours = declared.hours if hours is None or not declared.hours else hours
    if hours not in (*HOURS, declared.hours):
        raise invalid("hours", _("choose from %s") % ", ".join(map(str, HOURS)))
    values = {"is_on": is_on, "threshold": threshold, "hours": hours}
    rule, _made = AlertRule.objects.update_or_create(deployment=deployment, kind=kind, defaults=values)
    record("alert.rule", deployment, rule=decision.rule, details={"kind": kind, **values})
    return rule
