"""Who called how often, by person, token and department."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from accounts.models import ApiToken, User
from departments.models import Membership


@dataclass(frozen=True, slots=True)
class Caller:
    """A consumer. `token` is empty for calls from the browser's session; `department` for who belongs to none."""

    person: str
    token: str
    department: str
    calls: int
    rows: int
    share: float


def callers_of(counts: Mapping[str, list[int]]) -> list[Caller]:
    """The callers of {"person|token": [calls, rows]}, most rows first; people who are gone stay, without a name."""
    parts = {key: key.split("|", 1) for key in counts}
    people = User.objects.in_bulk({UUID(person) for person, _token in parts.values()})
    tokens = ApiToken.objects.select_related("department").in_bulk({UUID(t) for _person, t in parts.values() if t})
    homes: dict[UUID, str] = {}
    for member in Membership.objects.filter(person__in=people).select_related("department").order_by("-created_at"):
        homes[member.person_id] = member.department.name
    total = sum(rows for _calls, rows in counts.values()) or 1
    found = []
    for key, (calls, rows) in counts.items():
        person, token = people.get(UUID(parts[key][0])), tokens.get(UUID(parts[key][1])) if parts[key][1] else None
        home = token.department.name if token and token.department else homes.get(person.pk, "") if person else ""
        found.append(
            Caller(person.username if person else "–", token.name if token else "", home, calls, rows, rows / total)
        )
    return sorted(found, key=lambda caller: -caller.rows)
