"""What the pages of access requests show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from departments.access import Actor, Verb
from departments.models import AccessRequest
from departments.targets import names_of, url_of
from rest.templatetags.looks import look_of

BOXES = {"inbox": _("Waiting for us"), "ours": _("We asked"), "answered": _("We answered")}


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """A request with the name of what it is on; no name when the reader may not see it any more."""

    asked: AccessRequest
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Box:
    name: str
    queryset: Any


def boxes(actor: Actor, chosen: str) -> tuple[dict[str, int], Box]:
    """How many open requests stand in each box, and the rows of the chosen one (else the first that has any)."""
    visible = AccessRequest.objects.visible_to(actor)
    inbox = AccessRequest.objects.to_decide(actor)
    ours = visible.filter(department__in=actor.department_ids)
    answered = visible.filter(owner__in=actor.departments_with(Verb.MANAGE)).exclude(state="open")
    counts = {"inbox": inbox.count(), "ours": ours.filter(state="open").count(), "answered": 0}
    name = chosen if chosen in BOXES else "inbox" if counts["inbox"] else "ours"
    rows = {"inbox": inbox, "ours": ours, "answered": answered}[name]
    return counts, Box(name, rows.with_people())


def named(requests: Iterable[AccessRequest], actor: Actor) -> list[NamedRequest]:
    """Requests with names and pages, one query for each kind."""
    rows = list(requests)
    names = names_of(((asked.object_kind, asked.object_id) for asked in rows), actor)
    return [
        NamedRequest(asked, names.get(asked.object_id, ""), url_of(asked.object_kind, asked.object_id))
        for asked in rows
    ]


def with_name(asked: AccessRequest, actor: Actor) -> dict[str, Any]:
    (row,) = named([asked], actor)
    return {"name": row.name, "object_url": row.url, "look": look_of(asked.state)}
