"""Who gets which status from which route: one file per app, one Row per route and method.

A route of the URLconf without a row fails `test_access_matrix.py`. To add a route, add its rows here.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any

# The columns of every row. The objects belong to Credit Risk: Alice is analyst there, Bob viewer, Emil engineer, Mona
# manager. Dana (engineer, Clinic) holds grants on the data set and the model. Charlie (analyst, Retail) holds none.
# Erin is platform admin, Mallory belongs nowhere, nobody is signed out.
PEOPLE = ("alice", "bob", "emil", "mona", "charlie", "dana", "erin", "mallory", "nobody")


@dataclass(frozen=True)
class Row:
    """One route and method.

    `route` is the pattern as the URLconf spells it, e.g. "api/v1/datasets/<uuid:id>/". `statuses` has one number per
    person in PEOPLE, e.g. "200 200 200 200 404 200 200 404 401". `args` fills the route: values are looked up as
    attributes of the `world` fixture ("dataset.pk"), or taken literally when they start with "="; so are names in braces in
    `query` ("?id={dataset.pk}"). `body` is the JSON (or
    form, with `form=True`) body, whose string values starting with "$" are looked up in the world too ("$dataset.pk").
    """

    route: str
    method: str
    statuses: str
    args: dict[str, str] = field(default_factory=dict)
    query: str = ""
    body: Any = None
    form: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.method} /{self.route}{self.query}"

    def expected(self) -> dict[str, int]:
        numbers = [int(number) for number in self.statuses.split()]
        assert len(numbers) == len(PEOPLE), f"{self.id}: {len(numbers)} statuses for {len(PEOPLE)} people"
        return dict(zip(PEOPLE, numbers, strict=True))


def all_rows() -> list[Row]:
    """Every row of every app's file."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    return [row for name in names for row in importlib.import_module(f"{__name__}.{name}").ROWS]
