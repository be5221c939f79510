"""Telling people what concerns them: a notice in the app, and a mail to who wants mail.

A notice is a row of the transaction that it tells of: what is rolled back is not told. Mails leave later, by beat
(mails.py), so that no request waits for a mail server.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from audit.models import AuditEvent
from departments.models import Department, Grant, Notice, Role


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of notice reads and looks; the text's names are members of the notice's details."""

    icon: str
    tone: str
    text: str | Promise


KINDS: dict[str, Kind] = {
    "request.made": Kind("inbox", "work", _("%(department)s asks for access to “%(name)s”.")),
    "request.approved": Kind("check", "good", _("%(owner)s approved your request for “%(name)s”.")),
    "request.changed": Kind("check", "good", _("%(owner)s approved your request for “%(name)s” with changes.")),
    "request.refused": Kind("x", "bad", _("%(owner)s refused your request for “%(name)s”.")),
    "request.withdrawn": Kind("arrow-back-up", "quiet", _("%(department)s withdrew its request for “%(name)s”.")),
    "request.lapsed": Kind("clock-off", "quiet", _("The request of %(department)s for “%(name)s” lapsed unanswered.")),
    "grant.made": Kind("key", "good", _("%(owner)s granted %(department)s access to “%(name)s”.")),
    "grant.changed": Kind("adjustments", "work", _("%(owner)s changed the access of %(department)s to “%(name)s”.")),
    "grant.extended": Kind(
        "clock-plus", "work", _("The access of %(department)s to “%(name)s” goes on until %(day)s.")
    ),
    "grant.ending": Kind("clock", "warn", _("The access of %(department)s to “%(name)s” ends on %(day)s.")),
    "grant.ended": Kind("clock-off", "warn", _("The access of %(department)s to “%(name)s” has ended.")),
    "grant.revoked": Kind("ban", "bad", _("%(owner)s revoked the access of %(department)s to “%(name)s”.")),
    "feed.failed": Kind(
        "plug-off", "bad", _("“%(name)s” could not be refreshed from “%(source)s”; it is tried again.")
    ),
    "feed.paused": Kind(
        "player-pause", "bad", _("“%(name)s” is refreshed from “%(source)s” no more, until you resume it.")
    ),
    "feed.drift": Kind("columns", "warn", _("The columns of “%(name)s” changed at its source “%(source)s”.")),
    "data.choice": Kind(
        "alert-triangle", "warn", _("%(owner)s decided about what %(department)s made from “%(name)s”.")
    ),
    "quota-cpu.near": Kind(
        "gauge", "warn", _("%(department)s has used %(used)s of its %(limit)s CPU hours of this month.")
    ),
    "quota-cpu.full": Kind(
        "gauge", "bad", _("%(department)s has used up its %(limit)s CPU hours of this month: new work waits.")
    ),
    "quota-storage.near": Kind("gauge", "warn", _("%(department)s stores %(used)s of the %(limit)s that it may.")),
    "quota-storage.full": Kind(
        "gauge", "bad", _("%(department)s stores all of the %(limit)s that it may: uploads are refused.")
    ),
    "quota-predictions.near": Kind(
        "gauge", "warn", _("%(department)s has used %(used)s of its %(limit)s predictions of this month.")
    ),
    "quota-predictions.full": Kind(
        "gauge", "bad", _("%(department)s has used up its %(limit)s predictions of this month: they are refused.")
    ),
    "webhook.disabled": Kind(
        "webhook-off", "bad", _("The webhook “%(name)s” of %(department)s was turned off: it takes no events.")
    ),
    "data.lifted": Kind("lock-open", "good", _("What %(department)s made from “%(name)s” may be used again.")),
}


def add_kind(name: str, kind: Kind) -> None:
    """Let an app above this one tell of a kind of its own."""
    KINDS[name] = kind


def notify(kind: str, people: Iterable[User], *, key: str, path: str, **details: Any) -> None:
    """Tell each of the people once: a second notice with the same key changes nothing."""
    if kind not in KINDS:
        raise KeyError(f"unknown notice {kind!r}; known are {', '.join(KINDS)}")
    now = timezone.now()
    Notice.objects.bulk_create(
        [
            Notice(
                person=person, kind=kind, key=key, path=path, details=details, created_at=now,
                mail_due_at=now if person.wants_mail and person.email else None,
            )
            for person in dict.fromkeys(people)
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def text_of(notice: Notice) -> str:
    """What the notice says, in the reader's language."""
    return str(str(KINDS[notice.kind].text) % notice.details)


def managers_of(*departments: Department | Any) -> QuerySet[User]:
    """The people who manage one of the departments (rows or ids)."""
    managing = Q(memberships__department__in=departments, memberships__role=Role.MANAGER)
    return User.objects.filter(managing, is_active=True).distinct()


def engineers_of(*departments: Department | Any) -> QuerySet[User]:
    """The people who deploy in one of the departments (rows or ids): engineers and managers."""
    deploying = Q(memberships__department__in=departments, memberships__role__in=(Role.ENGINEER, Role.MANAGER))
    return User.objects.filter(deploying, is_active=True).distinct()


def concerned_by(grant: Grant) -> QuerySet[User]:
    """Whom the end of a grant concerns on the grantee's side: its managers, who asked for it, and who has used it."""
    used = AuditEvent.objects.filter(rule=f"grant-{grant.pk}", actor_id__isnull=False).values("actor_id")
    asked = grant.requests.values("created_by")
    mine = Q(memberships__department=grant.department_id)
    close = Q(memberships__role=Role.MANAGER) | Q(pk__in=used) | Q(pk__in=asked)
    return User.objects.filter(mine & close, is_active=True).distinct()
