"""What is known about the columns of a table while it is scanned, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from datasets.ingestion.readings import EVERY, READINGS, rivals
from datasets.ingestion.readings.columns import ReadColumn
from datasets.ingestion.readings.misfits import SHARE
from datasets.schema import Schema

# What a choice rules out.
DATES: dict[str, tuple[str, ...]] = {"detect": (), "day first": ("month first",), "month first": ("day first",)}
DECIMAL: dict[str, tuple[str, ...]] = {
    "detect": (),
    "point": ("decimal comma",),
    "comma": ("number", "thousands comma"),
}


class Inference:
    """The readings that still fit each column, the one that is being written, and what was counted.

    `given` holds the options `types` {column: type}, `dates` and `decimal`. `typed` gives the types of columns that
    the file itself types; of these, only text may be asked for instead.
    """

    def __init__(self, names: Sequence[str], given: dict[str, Any], typed: Mapping[str, str] | None = None) -> None:
        self.names = list(names)
        self.given = given
        self.typed = typed or {}
        self.readings = [self._tried(name) for name in self.names]
        self.written: list[str] = []
        self.ambiguous: list[str] = []
        self.refused: dict[str, tuple[str, int, int]] = {}  # of columns with too many misfits: reading, misfits, values
        self._reset()

    def _reset(self) -> None:
        self.seen = [name in self.typed for name in self.names]
        self.missing: list[Counter[str]] = [Counter() for _ in self.names]
        self.misfits: list[Counter[str]] = [Counter() for _ in self.names]
        self.present = [0] * len(self.names)
        self.trimmed: set[int] = set()
        self.rows = self.rejected = self.blank = 0

    def _tried(self, column: str) -> tuple[str, ...]:
        wanted = self.given["types"].get(column)
        if column in self.typed:
            return (f"given {'text' if wanted == 'text' else self.typed[column]}",)
        excluded = DATES[self.given["dates"]] + DECIMAL[self.given["decimal"]]
        return tuple(name for name in EVERY if name not in excluded and wanted in (None, READINGS[name].type))

    def merge(self, columns: Sequence[ReadColumn]) -> bool:
        """Narrow the readings by one more block; answer whether what is being written still holds.

        The first block decides what is written.
        """
        for i, column in enumerate(columns):
            self.readings[i] = tuple(name for name in self.readings[i] if name in column.readings)
            self.seen[i] |= column.values.null_count < len(column.values)
            self.missing[i].update(column.missing)
            self.present[i] += column.present
            self.misfits[i].update({name: len(misfits.rows) for name, misfits in column.misfits.items()})
            if column.trimmed:
                self.trimmed.add(i)
        now = [readings[0] if readings else "" for readings in self._known()]
        self.written = self.written or now
        return all(a == b for a, b, seen in zip(now, self.written, self.seen, strict=True) if seen)

    def count(self, rows: int, rejected: int, blank: int) -> None:
        """Add one block's records and blank lines."""
        self.rows += rows
        self.rejected += rejected
        self.blank += blank

    @property
    def records(self) -> int:
        """How many records were read so far."""
        return self.rows + self.rejected

    def complete(self) -> bool:
        """Answer, at the end of the file, whether the columns were written as they must be."""
        return self.written == [_chosen(readings) for readings in self._settled()]

    def begin_again(self) -> None:
        """Settle every column by the full scan, and forget the counts of the pass that was abandoned."""
        for i, (known, settled) in enumerate(zip(self._known(), self._settled(), strict=True)):
            if rivals(settled):
                self.ambiguous.append(self.names[i])
            elif known and not settled:
                self.refused[self.names[i]] = (known[0], self.misfits[i][known[0]], self.present[i])
            self.readings[i] = settled[:1] if _chosen(settled) else ()
        self.written = [_chosen(readings) for readings in self.readings]
        self._reset()

    def _settled(self) -> list[tuple[str, ...]]:
        """The known readings of each column that leave out at most a small share of its values."""
        counted = zip(self._known(), self.misfits, self.present, strict=True)
        return [tuple(name for name in known if odd[name] <= SHARE * present) for known, odd, present in counted]

    def _known(self) -> list[tuple[str, ...]]:
        """The readings of each column; none for a column without a value."""
        return [readings if seen else () for seen, readings in zip(self.seen, self.readings, strict=True)]

    @property
    def nouns(self) -> list[str]:
        """What a cell of each column is not, if it does not fit."""
        return [READINGS[name].noun if name else "" for name in self.written]

    def schema(self) -> Schema:
        """The table's schema as it is being written; a column without a value is text."""
        kinds = [READINGS[name].type if name else "text" for name in self.written]
        return Schema.of(zip(self.names, kinds, strict=True))


def _chosen(readings: tuple[str, ...]) -> str:
    return "" if not readings or rivals(readings) else readings[0]
