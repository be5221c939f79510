"""The kinds of alert: what each is called and says, and what its rule measures.

Texts are filled with an alert's details; every text knows `name`, the deployment's.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from departments import notices


@dataclass(frozen=True, slots=True)
class Rule:
    """What opens an alert of a kind by itself: a figure at or beyond `threshold`, of `hours` of traffic.

    0 hours: of the last minutes, see watch.py. A `unit` of "share" is shown in percent.
    """

    label: str | Promise
    threshold: float
    hours: int
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """`rule` is None for what is told from elsewhere, such as a rollback."""

    label: str | Promise
    icon: str
    text: str | Promise
    rule: Rule | None = None


KINDS = {
    "drift": Kind(
        _("Drift"),
        "wave-sine",
        _("“%(name)s” is asked about other data than it learned from: %(columns)s changed (PSI %(value)s)."),
        Rule(_("PSI of the most changed column"), 0.2, 24),
    ),
    "answers": Kind(
        _("Drift of the answers"),
        "wave-sine",
        _("“%(name)s” answers otherwise than on the rows it was tested on (PSI %(value)s)."),
        Rule(_("PSI of the answers"), 0.2, 24),
    ),
    "performance": Kind(
        _("Performance"),
        "trending-down",
        _("“%(name)s” errs more than when it was tested: %(metric)s is %(value)s, and was %(tested)s."),
        Rule(_("Rise of the error over the test's"), 0.2, 168, "share"),
    ),
    "errors": Kind(
        _("Errors"),
        "alert-triangle",
        _("%(share)s of the calls of “%(name)s” in the last %(minutes)s minutes failed or were refused."),
        Rule(_("Share of calls that fail or are refused"), 0.05, 0, "share"),
    ),
    "latency": Kind(
        _("Latency"),
        "clock-exclamation",
        _("95 %% of the calls of “%(name)s” took up to %(value)s ms in the last %(minutes)s minutes."),
        Rule(_("Milliseconds that 95 of 100 calls keep"), 500.0, 0, "ms"),
    ),
    "quota": Kind(
        _("Quota"),
        "gauge",
        _("%(department)s has used %(share)s of its predictions of this month; at 100 %% “%(name)s” is refused."),
        Rule(_("Share of the month's predictions"), 0.9, 0, "share"),
    ),
    "coverage": Kind(
        _("Coverage"),
        "arrows-horizontal",
        _("The intervals of “%(name)s” hold the truth in %(value)s of the cases, and promised %(promised)s."),
        Rule(_("Coverage below what was promised, by"), 0.05, 168, "share"),
    ),
    "rollback": Kind(_("Rollback"), "arrow-back-up", _("“%(name)s” went back to the version before: %(message)s")),
}


def register_notices() -> None:
    """Alerts are told as notices, each kind in its own words."""
    for name, kind in KINDS.items():
        notices.add_kind(f"alert.{name}", notices.Kind(kind.icon, "bad", kind.text))
        over = format_lazy("{label}: {text}", label=kind.label, text=_("over at “%(name)s”."))
        notices.add_kind(f"alert.{name}.closed", notices.Kind("check", "good", over))
