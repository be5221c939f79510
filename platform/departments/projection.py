"""What a grant lets its reader have of a table: plain data, made from the grant, asked by whoever opens the table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

WHOLE = "whole"  # stands for the digest where everything is given


class Terms(Protocol):
    """The part of a grant that says what of the rows is given."""

    pk: Any
    columns: list[str] | None
    masks: dict[str, dict[str, Any]]
    rows: list[str]


@dataclass(frozen=True, slots=True)
class Mask:
    """What is shown instead of a column's values: the mask's name, and its parameters as (name, value) pairs."""

    column: str
    kind: str
    params: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Projection:
    """The columns (None: all), masks and row conditions of one grant. Two grants are never added together."""

    grant: UUID
    columns: tuple[str, ...] | None
    masks: tuple[Mask, ...]
    rows: tuple[str, ...]

    @classmethod
    def of(cls, grant: Terms) -> Projection | None:
        """The projection of a grant's terms; None where they give the whole table as it is."""
        if grant.columns is None and not grant.masks and not grant.rows:
            return None
        masks = (_mask(column, given) for column, given in sorted(grant.masks.items()))
        columns = None if grant.columns is None else tuple(grant.columns)
        return cls(grant.pk, columns, tuple(masks), tuple(grant.rows))

    @property
    def digest(self) -> str:
        """Names the projection by its content: other terms, another digest."""
        parts = [str(self.grant), self.columns, [[m.column, m.kind, m.params] for m in self.masks], self.rows]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def hidden(self) -> frozenset[str]:
        """The columns that a mask takes away altogether."""
        return frozenset(mask.column for mask in self.masks if mask.kind == "hide")

    def gives(self, column: str) -> bool:
        """Whether the reader may know of the column at all."""
        return (self.columns is None or column in self.columns) and column not in self.hidden


def _mask(column: str, given: dict[str, Any]) -> Mask:
    params = given.get("params") or {}
    pairs = ((name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(params.items()))
    return Mask(column, given["kind"], tuple(pairs))


def width(projection: Projection | None) -> tuple[int, int, int, int]:
    """How much a projection gives, to order grants by: all columns first, then many, unmasked ones, all rows."""
    if projection is None:
        return (1, 0, 0, 0)
    shown = 0 if projection.columns is None else len([c for c in projection.columns if projection.gives(c)])
    everything = int(projection.columns is None)
    return (everything, shown, -len(projection.masks), -len(projection.rows))


def as_received(grant: Terms) -> dict[str, Any]:
    """What the grantee may know of the terms: no hidden column's name, and no condition, which may name one."""
    projection = Projection.of(grant)
    hidden = projection.hidden if projection else frozenset()
    return {
        "columns": None if grant.columns is None else [name for name in grant.columns if name not in hidden],
        "masks": {name: mask for name, mask in grant.masks.items() if name not in hidden},
        "rows": [],
    }
