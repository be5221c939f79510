"""Findings that stand between a model and its deployment, and the reasons why somebody let it through nevertheless.

A finding of severity `error` closes the way until the model is trained again without it or the finding is overridden.
A model version keeps its overrides as {"check", "columns", "reason", "by", "at"}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services import record
from departments.access import Actor, Verb, require
from rest.problems import Refused, invalid
from training.models import ModelVersion

GATE = "error"
LONGEST = 2000


def with_overrides(version: ModelVersion) -> list[dict[str, Any]]:
    """The version's findings, each with its `override` (None: there is none) and whether it is `open`."""
    made = {_key(entry): entry for entry in version.overrides}
    return [
        {**found, "override": made.get(_key(found)), "open": found["severity"] == GATE and _key(found) not in made}
        for found in version.card.get("findings") or []
    ]


def open_findings(version: ModelVersion) -> list[dict[str, Any]]:
    """What must be mended or overridden before the version is deployed."""
    return [found for found in with_overrides(version) if found["open"]]


def _key(entry: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    return entry["check"], tuple(entry["columns"])


def require_none_open(version: ModelVersion) -> None:
    """Raise Refused (409, `open-findings`), with each open finding and what mends it."""
    found = open_findings(version)
    if not found:
        return
    detail = _(
        "%(n)d finding(s) speak against this model. Mend them and train again, or override them with a reason: "
        "POST …/models/{id}/versions/{number}/overrides/, or on the model's page."
    )
    errors = [{"field": f"findings.{f['check']}", "message": f"{f['message']} {f['fix']}".strip()} for f in found]
    raise Refused("open-findings", detail % {"n": len(found)}, errors=errors)


@transaction.atomic
def override(
    *, actor: Actor, version: ModelVersion, reason: str, check: str = "", columns: Sequence[str] = ()
) -> ModelVersion:
    """Let the open finding `check` on `columns` pass, or all that are open where none is named, and keep why."""
    decision = require(actor, Verb.DEPLOY, version)
    said = reason.strip()
    if not said:
        raise invalid("override_reason" if not check else "reason", _("say why the model may be deployed nevertheless"))
    if len(said) > LONGEST:
        raise invalid("reason", _("at most %d characters") % LONGEST)
    locked = ModelVersion.objects.select_for_update().get(pk=version.pk)
    chosen = [f for f in open_findings(locked) if not check or _key(f) == (check, tuple(columns))]
    if check and not chosen:
        raise invalid("check", _("no open finding of this model is called so; its card lists them"))
    by = User.objects.filter(pk__in=[actor.person_id]).values_list("username", flat=True).first() or ""
    at = timezone.now().isoformat()
    new = [{"check": f["check"], "columns": f["columns"], "reason": said, "by": by, "at": at} for f in chosen]
    locked.overrides = [*locked.overrides, *new]
    locked.save(update_fields=["overrides"])
    for entry in new:
        details = {"check": entry["check"], "columns": entry["columns"]}
        record("model_version.override", locked, rule=decision.rule, version=locked.number, details=details)
    version.overrides = locked.overrides
    return version


@transaction.atomic
def withdraw(*, actor: Actor, version: ModelVersion, check: str, columns: Sequence[str] = ()) -> ModelVersion:
    """Take an override back: the finding is open again. What is deployed already goes on answering."""
    decision = require(actor, Verb.DEPLOY, version)
    locked = ModelVersion.objects.select_for_update().get(pk=version.pk)
    kept = [entry for entry in locked.overrides if _key(entry) != (check, tuple(columns))]
    if len(kept) == len(locked.overrides):
        raise invalid("check", _("no finding of this model that is called so was overridden"))
    locked.overrides = kept
    locked.save(update_fields=["overrides"])
    details = {"check": check, "columns": list(columns)}
    record("model_version.withdraw_override", locked, rule=decision.rule, version=locked.number, details=details)
    version.overrides = kept
    return version
