"""Tables full of canaries, random grants on them, and what a grantee must therefore never meet."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import unescape
from typing import Any

from hypothesis import strategies as st

ROWS = 40
TARGET = "outcome"
KINDS = ("id", "group", "whole", "decimal", "day")
MASKS_BY_KIND: dict[str, list[dict[str, Any]]] = {
    "id": [{"kind": "hash"}, {"kind": "bucket", "params": {"characters": 2}}],
    "group": [{"kind": "hash"}, {"kind": "bucket", "params": {"separator": "-"}}],
    "whole": [
        {"kind": "hash"},
        {"kind": "bucket", "params": {"width": 10**10}},
        {"kind": "bucket", "params": {"edges": "0, 5e11"}},
    ],
    "decimal": [{"kind": "hash"}, {"kind": "bucket", "params": {"width": 100.0}}],
    "day": [{"kind": "hash"}, {"kind": "year-only"}],
}  # fmt: skip
EVERYWHERE = [{"kind": "hide"}, {"kind": "redact"}]
MISSING, FILE, REJECTED = "zqmissingword", "zqfilename", "zqrejectedline"


@dataclass
class Case:
    """A table and a grant on it. Every value of it is found nowhere else, so that whatever turns up has leaked."""

    columns: dict[str, str]
    rows: list[dict[str, Any]]
    given: list[str] | None
    masks: dict[str, dict[str, Any]]
    conditions: list[str]
    verbs: list[str]
    fitting: list[int] = field(default_factory=list)

    @property
    def terms(self) -> dict[str, Any]:
        return {"columns": self.given, "masks": self.masks, "rows": self.conditions}

    @property
    def limited(self) -> bool:
        return self.given is not None or bool(self.masks) or bool(self.conditions)

    def csv(self) -> bytes:
        head = ",".join(self.columns)
        lines = [",".join(MISSING if v is None else str(v) for v in row.values()) for row in self.rows]
        return "\n".join([head, *lines, REJECTED, ""]).encode()

    def visible(self, name: str) -> bool:
        return (self.given is None or name in self.given) and self.masks.get(name, {}).get("kind") != "hide"

    def denied(self) -> set[str]:
        """What the grantee must not meet: values, and the names of columns that are not theirs."""
        open_ = [name for name in self.columns if self.visible(name) and name not in self.masks]
        allowed = {mark(self.rows[i][name]) for i in self.fitting for name in open_ if self.rows[i][name] is not None}
        every = self.values()
        names = {name for name in self.columns if not self.visible(name)}
        about = {MISSING, FILE, REJECTED} if self.limited else set()
        return (every - allowed) | names | about

    def values(self) -> set[str]:
        """Every value but the target's."""
        return {mark(v) for row in self.rows for name, v in row.items() if name != TARGET and v is not None}


def mark(value: Any) -> str:
    """What of a value would be recognised: numbers by their first ten digits, whatever they are rounded to."""
    return re.sub(r"\D", "", str(value))[:10] if isinstance(value, int | float) else str(value)


def cell(kind: str, column: int, row: int, draw: random.Random) -> Any:
    if kind == "id":
        return f"zqid{column}n{draw.randrange(10**9)}"
    if kind == "group":
        group = draw.randrange(4)
        return f"zqtop{column}{'abcd'[group]}-zqsub{column}{'wxyz'[group]}"
    if kind == "whole":
        return draw.randrange(10**11, 10**12)
    if kind == "decimal":
        return round(draw.uniform(100.0, 999.0), 9)
    # From many years, so that an edge worked out for a histogram is hardly ever one of those that are denied.
    return (date(1700, 1, 1) + timedelta(days=draw.randrange(2_900_000))).isoformat()


@st.composite
def cases(draw: st.DrawFn, *, trains: bool = False) -> Case:
    chance = random.Random(draw(st.integers(0, 2**32)))
    kinds = [*draw(st.permutations(KINDS))[: draw(st.integers(3, 5))]]
    columns = {f"zqname{i}{kind}": kind for i, kind in enumerate(kinds)} | {TARGET: "target"}
    rows = [_row(columns, row, chance) for row in range(ROWS)]
    names = list(columns)[:-1]
    some = draw(st.none() | st.lists(st.sampled_from(names), unique=True, max_size=len(names)))
    given = None if some is None else [*some, TARGET]
    masks = {
        name: draw(st.sampled_from([*MASKS_BY_KIND[columns[name]], *EVERYWHERE]))
        for name in names
        if (given is None or name in given) and draw(st.booleans())
    }
    verbs = ["discover", "preview", *draw(st.lists(st.sampled_from(["export", "predict", "federate"]), unique=True))]
    verbs = [*verbs, "train"] if trains or draw(st.booleans()) else verbs
    verbs = verbs if trains or draw(st.integers(0, 4)) else ["discover"]
    case = Case(columns, rows, given, masks, [], verbs)
    case.conditions, case.fitting = _conditions(draw, case)
    return case


def _row(columns: dict[str, str], row: int, chance: random.Random) -> dict[str, Any]:
    made = {name: cell(kind, i, row, chance) for i, (name, kind) in enumerate(columns.items()) if kind != "target"}
    for name in made:
        if row and chance.random() < 0.05 and columns[name] != "group":
            made[name] = None
    return {**made, TARGET: "yes" if chance.random() < 0.5 else "no"}


def _conditions(draw: st.DrawFn, case: Case) -> tuple[list[str], list[int]]:
    """No condition, or one that about half of the rows fit; also on columns that are hidden."""
    everything = list(range(len(case.rows)))
    usable = [name for name, kind in case.columns.items() if kind in ("whole", "decimal", "day")]
    if not usable or draw(st.booleans()):
        return [], everything
    name = draw(st.sampled_from(usable))
    bound = sorted(row[name] for row in case.rows if row[name] is not None)[len(case.rows) // 3]
    fitting = [i for i in everything if case.rows[i][name] is not None and case.rows[i][name] >= bound]
    return [f"{name}>={bound}"], fitting


def leaks(text: str, denied: set[str], *, typed: str = "") -> list[str]:
    """Which denied values stand in a text, however numbers are grouped in it; what the reader typed themselves is theirs."""
    plain = unescape(text)
    for word in typed.split():
        plain = plain.replace(word, "")
    digits = re.sub(r"(?<=\d)[,.'\u202f\u00a0\u2009 ](?=\d)", "", plain)
    return sorted(value for value in denied if value in plain or value in digits)
