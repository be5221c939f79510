"""The columns of a table on its way through a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from datasets.recipes.errors import RecipeError
from datasets.schema import Column, Schema
from datasets.steps._base import Changes, Made


@dataclass(frozen=True)
class Layout:
    """Types by column name, in the table's order; the flags among them; and each column's sources in the raw table."""

    types: Mapping[str, str]
    flags: frozenset[str]
    sources: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, schema: Schema) -> Layout:
        types = {column.name: column.type for column in schema.columns}
        return cls(types, frozenset(), {name: frozenset([name]) for name in types})

    def after(self, changes: Changes, field: str) -> Layout:
        """The layout after a step; `field` is the step's path for the error when it makes one name twice."""
        _refuse_repeats([made.name for made in changes.made], field)
        types, sources = dict(self.types), dict(self.sources)
        for made in changes.made:
            types[made.name] = made.type
            sources[made.name] = frozenset[str]().union(*(self.sources[name] for name in made.sources))
        for name in changes.removed:
            del types[name], sources[name]
        return Layout(types, self._flags_after(changes.made, types), sources)

    def _flags_after(self, made: Iterable[Made], types: Mapping[str, str]) -> frozenset[str]:
        renewed = {column.name: column.flag for column in made}
        return frozenset(name for name in types if renewed.get(name, name in self.flags))

    def schema(self) -> Schema:
        return Schema(tuple(Column(name, type_) for name, type_ in self.types.items()))


def _refuse_repeats(names: list[str], field: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise RecipeError.at(field, f"this step would make two columns named {name!r}; rename one of its columns")
