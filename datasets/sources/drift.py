"""How the columns of a source changed between two refreshes, and which recipes name those that are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from datasets.models import Dataset


@dataclass(frozen=True, slots=True)
class Drift:
    """Names of columns that appeared and disappeared, and (name, before, after) of those with another type."""

    appeared: list[str]
    gone: list[str]
    retyped: list[tuple[str, str, str]]

    @classmethod
    def between(cls, before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]]) -> Drift:
        old, new = ({column["name"]: column["type"] for column in schema} for schema in (before, after))
        return cls(
            [name for name in new if name not in old],
            [name for name in old if name not in new],
            [(name, old[name], new[name]) for name in old if name in new and old[name] != new[name]],
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def sentences(self, dataset: Dataset) -> list[str]:
        """What people should know, with the recipes that the change concerns."""
        said = [_("The source has a new column: %r.") % name for name in self.appeared]
        said += [_("The source has the column %r no more.") % name for name in self.gone]
        said += [_("The column %(name)r was %(before)s and is %(after)s now.") % {"name": n, "before": b, "after": a}
                 for n, b, a in self.retyped]  # fmt: skip
        concerned = {*self.gone, *(name for name, _before, _after in self.retyped)}
        for recipe in dataset.recipes.all() if concerned else ():
            named = {column for step in recipe.steps for column in step.get("columns") or ()}
            if hit := sorted(named & concerned):
                said.append(_("The recipe “%(recipe)s” uses %(columns)s; look at it before you train on this version.")
                            % {"recipe": recipe.name, "columns": ", ".join(hit)})  # fmt: skip
        return said
