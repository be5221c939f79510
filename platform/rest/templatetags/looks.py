"""How each state looks: an icon and a word, so that colour is never the only sign."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Look:
    """`tone` is one of wait, work, good, warn, bad, quiet, accent; `icon` a Tabler icon's name."""

    icon: str
    tone: str
    word: str | Promise


LOOKS: dict[str, Look] = {
    "queued": Look("clock", "wait", _("Queued")),
    "pending": Look("clock", "wait", _("Pending")),
    "planned": Look("calendar-time", "wait", _("Planned")),
    "scheduled": Look("calendar-time", "wait", _("Scheduled")),
    "running": Look("player-play", "work", _("Running")),
    "ingesting": Look("file-import", "work", _("Importing")),
    "paused": Look("player-pause", "warn", _("Paused")),
    "stopped": Look("player-stop", "good", _("Stopped")),
    "succeeded": Look("check", "good", _("Succeeded")),
    "ready": Look("check", "good", _("Ready")),
    "failed": Look("x", "bad", _("Failed")),
    "cancelled": Look("ban", "quiet", _("Cancelled")),
    "pruned": Look("cut", "quiet", _("Ended early")),
    "active": Look("circle-check", "good", _("Active")),
    "inactive": Look("circle-off", "quiet", _("Inactive")),
    "granted": Look("key", "accent", _("Granted")),
    "owned": Look("home", "quiet", _("Ours")),
    "discoverable": Look("eye", "quiet", _("On request")),
    "freeze": Look("lock", "bad", _("Frozen")),
    "retrain": Look("refresh-alert", "warn", _("Retrain without the data")),
    "keep": Look("calendar-time", "warn", _("Kept until a date")),
    "open": Look("inbox", "work", _("Waiting for an answer")),
    "approved": Look("check", "good", _("Approved")),
    "changed": Look("adjustments-check", "good", _("Approved with changes")),
    "refused": Look("x", "bad", _("Refused")),
    "withdrawn": Look("arrow-back-up", "quiet", _("Withdrawn")),
    "lapsed": Look("clock-off", "quiet", _("Lapsed unanswered")),
    "expired": Look("clock-off", "quiet", _("Expired")),
    "revoked": Look("ban", "quiet", _("Revoked")),
    "live": Look("broadcast", "good", _("Live")),
    "shadow": Look("ghost-2", "quiet", _("Shadow")),
    "healthy": Look("heartbeat", "good", _("Healthy")),
    "warning": Look("alert-triangle", "warn", _("Warning")),
    "error": Look("alert-circle", "bad", _("Error")),
    "critical": Look("alert-octagon", "bad", _("Critical")),
    "raised": Look("bell-ringing", "bad", _("Open")),
    "acknowledged": Look("user-check", "warn", _("In hand")),
    "closed": Look("check", "good", _("Over")),
    "drifted": Look("wave-sine", "warn", _("Changed")),
    "steady": Look("check", "good", _("As before")),
    "delivered": Look("check", "good", _("Delivered")),
    "info": Look("info-circle", "quiet", _("Note")),
    "champion": Look("crown", "accent", _("Champion")),
    "challenger": Look("swords", "quiet", _("Challenger")),
    "canary": Look("feather", "work", _("Canary")),
    "promoted": Look("rocket", "good", _("Promoted")),
    "rolled_back": Look("arrow-back-up", "bad", _("Rolled back")),
    "deployed": Look("broadcast", "good", _("Deployed")),
    "repointed": Look("arrows-exchange", "quiet", _("Pointed at it")),
    "retired": Look("archive", "quiet", _("Retired")),
    "simulated": Look("flask", "quiet", _("Simulated data")),
    "searching": Look("search", "work", _("Searching")),
    "found": Look("user-search", "warn", _("Found")),
    "nothing": Look("user-check", "quiet", _("Nothing found")),
    "erasing": Look("eraser", "work", _("Erasing")),
    "erased": Look("eraser", "good", _("Erased")),
    "viewer": Look("eye", "quiet", _("Viewer")),
    "analyst": Look("chart-dots", "quiet", _("Analyst")),
    "engineer": Look("tool", "quiet", _("Engineer")),
    "manager": Look("shield-half", "quiet", _("Manager")),
    "admin": Look("shield-check", "accent", _("Platform admin")),
}


def look_of(state: str) -> Look:
    """Return the state's look; an unknown state shows its own name, so that nothing is hidden."""
    return LOOKS.get(state) or Look("point", "quiet", state.replace("_", " ").capitalize())
