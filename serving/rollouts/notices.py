"""What is told of rollouts and sign-offs, and to whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from departments.notices import Kind, add_kind, engineers_of, notify
from rest.templatetags.figures import compact
from serving.alerts.models import Alert, Severity
from serving.alerts.services import close_alert, raise_alert
from serving.rollouts.models import Rollout, SignOff

KINDS = {
    "rollout.promoted": Kind(
        "rocket", "good", gettext_lazy("“%(name)s” answers with %(version)s now: its rollout is complete.")
    ),
    "sign-off.open": Kind(
        "signature",
        "work",
        gettext_lazy("%(department)s asks you to sign off “%(name)s”, which learned from data of %(owner)s."),
    ),
    "sign-off.approved": Kind("check", "good", gettext_lazy("%(owner)s signed off “%(name)s”: it may answer callers.")),
    "sign-off.refused": Kind("x", "bad", gettext_lazy("%(owner)s did not sign off “%(name)s”.")),
}


def register() -> None:
    for name, kind in KINDS.items():
        add_kind(name, kind)


def tell_promoted(rollout: Rollout) -> None:
    """The engineers and managers of the department, of what the clock did as of what somebody did."""
    notify(
        "rollout.promoted", engineers_of(rollout.department_id), key=f"rollout:{rollout.pk}:promoted",
        path=reverse("serving:traffic", args=[rollout.deployment.name]), name=rollout.deployment.name,
        version=f"v{rollout.challenger.number}",
    )  # fmt: skip


def alert_of(rollout: Rollout) -> None:
    """An alarm rolled it back: in the app, by mail and by webhooks."""
    details = {"rollout": str(rollout.pk), **rollout.reason}
    raise_alert(rollout.deployment, "rollback", Severity.CRITICAL, why(rollout), details)


def close_alerts(rollout: Rollout) -> None:
    """Whoever begins the next rollout has read of the last one."""
    for alert in Alert.objects.filter(deployment=rollout.deployment, kind="rollback", closed_at=None):
        close_alert(alert)


def why(rollout: Rollout) -> str:
    """Why a rollout was rolled back, in the reader's language; what somebody said is in theirs. Empty where nobody did."""
    reason = rollout.reason
    if "alarm" not in reason:
        return str(reason.get("said", ""))
    value, bound = reason["value"], reason["bound"]
    filled = {
        "version": f"v{rollout.challenger.number}",
        "calls": compact(reason["calls"]),
        "share": _percent(value),
        "allowed": _percent(bound),
        "ratio": compact(value, 3),
        "most": compact(bound, 3),
    }
    return _texts()[reason["alarm"]] % filled


def _percent(value: float | None) -> str:
    return f"{compact(100 * value, 3)} %" if value is not None else ""


def _texts() -> dict[str, str]:
    return {
        "errors": _("%(version)s failed in %(share)s of %(calls)s calls, and may in %(allowed)s."),
        "latency": _(
            "%(version)s takes %(ratio)s times as long as the champion (95th percentile), and may take %(most)s."
        ),
        "disagreement": _(
            "%(version)s answers otherwise than the champion in %(share)s of %(calls)s calls, and may in %(allowed)s."
        ),
        "drift": _("What callers ask has drifted from what %(version)s learned from."),
        "coverage": _("Intervals hold the truth less often than they promise."),
        "revoked": _("Access to data that %(version)s learned from has ended."),
    }


def tell_sign_off(sign_off: SignOff, people: Iterable[Any]) -> None:
    notify(
        f"sign-off.{sign_off.state}", people, key=f"sign-off:{sign_off.pk}:{sign_off.state}",
        path=reverse("serving:sign-off", args=[sign_off.pk]), owner=sign_off.owner.name,
        department=sign_off.department.name, name=str(sign_off.model_version),
    )  # fmt: skip
