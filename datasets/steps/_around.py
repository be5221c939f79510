"""What a step may need that lies outside of its table: other tables, and the department's secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from datasets.schema import Schema

if TYPE_CHECKING:
    import polars as pl


class Table(Protocol):
    """Another table that the person may read."""

    @property
    def schema(self) -> Schema: ...

    def frame(self) -> pl.LazyFrame: ...


@dataclass(frozen=True, slots=True)
class Around:
    """Other tables by their reference, and the scope that pseudonyms belong to: equal in one scope, never across."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    scope: str = ""


NOTHING = Around()
