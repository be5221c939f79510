"""Models that learned from data to which access has ended: what its owner decided, said and held to everywhere.

A model version keeps one entry for each ended grant under which it was trained, in `revocations`:
{"grant", "owner", "at", "choice", "until"}. The strictest of them counts. A date that has come freezes at once, whether
or not beat was there to carry it out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from departments.consequences import STRICTNESS, WITH_DATE, Ruling
from departments.models import Choice
from rest.problems import Refused
from training.models import ModelVersion

FROZEN = frozenset({Choice.STOP, Choice.FREEZE})


def data_revoked(version: ModelVersion) -> dict[str, Any] | None:
    """{"at", "choice", "until", "owner"} of what counts now; None for a model whose data is still granted, or its own."""
    if not version.revocations:
        return None
    now = timezone.now()
    strictest = min((_now(entry, now) for entry in version.revocations), key=lambda e: STRICTNESS.index(e["choice"]))
    return {name: strictest[name] for name in ("at", "choice", "until", "owner")}


def _now(entry: dict[str, Any], now: datetime) -> dict[str, Any]:
    until = parse_datetime(entry["until"]) if entry["until"] else None
    is_over = entry["choice"] in WITH_DATE and until is not None and until <= now
    return {**entry, "choice": Choice.FREEZE.value} if is_over else entry


def is_frozen(version: ModelVersion) -> bool:
    found = data_revoked(version)
    return found is not None and found["choice"] in FROZEN


def require_usable(version: ModelVersion) -> None:
    """Raise Refused (403, `data-revoked`) for a model that may no longer answer or be handed out."""
    found = data_revoked(version)
    if found is not None and found["choice"] in FROZEN:
        detail = _(
            "%(owner)s ended the access to data that this model learned from, and it is frozen. Train a model without "
            "that data, or ask %(owner)s to let it be used again."
        )
        raise Refused("data-revoked", detail % {"owner": found["owner"]}, status=403)


def entry_of(ruling: Ruling) -> dict[str, Any]:
    return {
        "grant": str(ruling.grant.pk),
        "owner": ruling.grant.owner.name,
        "at": ruling.at.isoformat(),
        "choice": str(ruling.choice),
        "until": ruling.until.isoformat() if ruling.until else None,
    }


def mark(version: ModelVersion, ruling: Ruling) -> None:
    """Enter a ruling into the version's row; one of the same grant before is replaced."""
    others = [entry for entry in version.revocations if entry["grant"] != str(ruling.grant.pk)]
    version.revocations = [*others, entry_of(ruling)]
    version.save(update_fields=["revocations"])


def unmark(version: ModelVersion, grant_id: Any) -> None:
    version.revocations = [entry for entry in version.revocations if entry["grant"] != str(grant_id)]
    version.save(update_fields=["revocations"])
