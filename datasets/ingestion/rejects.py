"""What an import sets aside: records that do not fit the table, and cells that do not fit their column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from datasets.formats._base import Block
    from datasets.ingestion.readings.columns import ReadColumn

HEADER = ("line", "column", "reason", "text")
Entry = tuple[int, str, str, str]
_NAMED = 5  # lines that a note names


@dataclass(slots=True)
class Aside:
    """The cells of one column that were set aside: how many, and the lines of the first."""

    cells: int = 0
    lines: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        more = ", …" if self.cells > len(self.lines) else ""
        return ", ".join(f"{line:,}" for line in self.lines) + more


class Rejects:
    """The list of an import as a CSV file, in the order of the source. A record has no column."""

    def __init__(self, path: Path, names: Sequence[str], nouns: Sequence[str]) -> None:
        """nouns: what a misfit of each column is not."""
        self._names, self._nouns = names, nouns
        self._file = path.open("w", encoding="utf-8", newline="")
        self._lines = csv.writer(self._file)
        self._lines.writerow(HEADER)
        self.by_column: dict[str, Aside] = {}

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    @property
    def cells(self) -> int:
        """How many cells were set aside."""
        return sum(aside.cells for aside in self.by_column.values())

    def add(self, block: Block, columns: Sequence[ReadColumn], before: int) -> None:
        """List what one block sets aside; `before` is the number of records that came before it."""
        entries: list[Entry] = [(reject.line, "", reject.reason, reject.text) for reject in block.rejects]
        entries.extend(self._cells(block, columns, before))
        entries.sort(key=lambda entry: entry[0])
        self._lines.writerows(entries)

    def _cells(self, block: Block, columns: Sequence[ReadColumn], before: int) -> Iterator[Entry]:
        lines: Sequence[int] | None = None
        for name, noun, column in zip(self._names, self._nouns, columns, strict=True):
            if (misfits := column.set_aside) is None:
                continue
            lines = lines if lines is not None else _lines(block, before)
            aside = self.by_column.setdefault(name, Aside())
            aside.cells += len(misfits.rows)
            aside.lines += [lines[row] for row in misfits.rows[: _NAMED - len(aside.lines)]]
            for row, text in zip(misfits.rows, misfits.texts, strict=True):
                yield lines[row], name, f"is no {noun}", text


def _lines(block: Block, before: int) -> Sequence[int]:
    """Where each row of the block stands in the file; without lines, records are counted."""
    return block.lines() if block.lines else range(before + 1, before + block.cells.num_rows + 1)
