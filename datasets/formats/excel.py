"""Excel and its relatives: .xlsx, .xlsm, .xlsb, .xls and .ods. One sheet is one table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.errors import UnreadableFile
from datasets.formats import _archives, _header, _totals
from datasets.formats._base import Block, Format, TextTable
from plugins.params import Param

if TYPE_CHECKING:
    import pyarrow as pa

PARAMS = (
    Param("sheet", "text", None, "The name of the sheet; left empty, the first that holds data.", optional=True),
    *_header.PARAMS,
    Param(
        "merged", "choice", "first",
        "What the cells of a merged range hold: the value in the first only, or the same value in each.",
        choices=("first", "fill"),
    ),
    _totals.PARAM,
)  # fmt: skip
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARTS = (
    b"xl/",
    b"[Content_Types].xml",
    b"_rels/.rels",
    b"docProps/",
    b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
)
_SAMPLE = 200
_NAMED = 5  # cells that a note names


def recognise(head: bytes) -> bool:
    """The old binary format, or a zip archive that begins with a part of a workbook."""
    return head.startswith(_OLD) or (head.startswith(b"PK\x03\x04") and head[30:].startswith(_PARTS))


def open_workbook(source: Path, workdir: Path, options: dict[str, Any]) -> TextTable:
    """Open one sheet of a workbook; see formats._base.Format.open."""
    _archives.refuse_bomb(source, xml=True)
    target = workdir / "sheet.arrow"
    found = _read(source, target, {"sheet": options["sheet"] or "", "merged": options["merged"]})
    sheet = _Sheet(target)
    header = sheet.understand(options)
    detected = {
        "sheet": found["sheet"],
        "header": "yes" if header.taken else "no",
        "skip_lines": sheet.before,
        "header_lines": options["header_lines"],
        "merged": options["merged"],
    }
    notes = [*header.notes, *_notes(found, options["merged"])]
    choices = {"sheet": sorted({found["sheet"], *found["others"]})}
    table = TextTable(header.names, sheet.blocks, detected, sheet.count(), notes, choices=choices)
    return _totals.set_aside(table, options["totals"])


def _read(source: Path, target: Path, options: dict[str, str]) -> dict[str, Any]:
    """Have the sheet written to `target` by a process of its own."""
    command = [sys.executable, "-m", "datasets.formats._workbook", str(source), str(target), json.dumps(options)]
    # Nothing secret: the environment of a worker has the platform's key.
    known = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PATH": os.environ.get("PATH", "")}
    done = subprocess.run(command, capture_output=True, check=False, env=known)
    if done.returncode:
        raise _died(done)
    answer: dict[str, Any] = json.loads(done.stdout)
    if "refused" in answer:
        raise UnreadableFile(*answer["refused"])
    return answer


def _died(done: subprocess.CompletedProcess[bytes]) -> UnreadableFile:
    from datasets.formats._workbook import MEMORY_MB, damaged

    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if done.returncode < 0 or "MemoryError" in last or "memory" in last:
        return UnreadableFile(
            "too_large",
            f"The sheet needs more than the {MEMORY_MB:,} MB of memory that reading a workbook may take.",
            "Delete stray cells far below and to the right of the table, or save the sheet as CSV and upload that file.",
        )
    return damaged(last)


def _notes(found: dict[str, Any], merged: str) -> Iterator[str]:
    """What a person should know about the sheet."""
    if found["others"]:
        yield f"The sheet {found['sheet']!r} was read; the workbook also has {', '.join(map(repr, found['others'][:20]))}."
    if found["merged"]:
        what = "each holds the value" if merged == "fill" else "only the first cell of each holds the value"
        yield f"Merged ranges: {found['merged']:,}; {what}."
    shown: dict[str, list[str]] = {}
    for place, error in found["errors"]:
        shown.setdefault(error, []).append(place)
    for error, places in shown.items():
        more = f" and {len(places) - _NAMED:,} more" if len(places) > _NAMED else ""
        yield f"Cells that show the error {error}: {', '.join(places[:_NAMED])}{more}."


class _Sheet:
    """The cells of a sheet as text, in an Arrow file: one string column per sheet column, one row per sheet row."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self.file = pa.ipc.open_file(pa.memory_map(str(path)))
        self.starts, self.rows = [], 1
        last: dict[int, int] = {}  # of each column, the last row that holds a value
        for batch in map(self.file.get_batch, range(self.file.num_record_batches)):
            self.starts.append(self.rows)
            last.update({i: self.rows + at for i, cells in enumerate(batch.columns) if (at := _last(cells)) >= 0})
            self.rows += batch.num_rows
        self.last = last
        self._trim(0)

    def _trim(self, row: int) -> None:
        """A table may stand anywhere on its sheet: columns beside it that are empty from `row` on are no part of it."""
        used = [i for i, last in self.last.items() if last >= row]
        self.left, self.right = min(used), max(used) + 1

    def understand(self, options: dict[str, Any]) -> _header.Header:
        """Find the table on the sheet: rows count from 1, `before` stand above it, its own begin at `first`."""
        known = options["skip_lines"]
        most = _SAMPLE + (known or 0)
        lines, records = self.sample(most)
        skipped = None if known is None else sum(line <= known for line in lines)
        header = _header.understand(records, options, skipped)
        self.before = lines[header.skipped] - 1
        self.first = lines[header.first_row]
        self._trim(self.before + 1)
        _, records = self.sample(most)
        names = _header.understand(records, options, header.skipped)
        return replace(names, notes=[*header.notes[: bool(header.skipped)], *names.notes[bool(header.skipped) :]])

    def sample(self, most: int) -> tuple[list[int], list[list[str]]]:
        """The first records that are not blank, as text, and the sheet row of each."""
        lines: list[int] = []
        records: list[list[str]] = []
        for i, start in enumerate(self.starts):
            for line, cells in enumerate(zip(*self._cells(i), strict=True), start=start):
                if any(cell.is_valid for cell in cells):
                    lines.append(line)
                    records.append([cell.as_py() or "" for cell in cells])
                if len(lines) >= most:
                    return lines, records
        return lines, records

    def _cells(self, i: int) -> list[pa.Array]:
        return self.file.get_batch(i).columns[self.left : self.right]  # type: ignore[no-any-return]

    def count(self) -> int:
        return len(self.starts)

    def blocks(self) -> Iterator[Callable[[], Block]]:
        return (partial(self._block, i) for i in range(len(self.starts)))

    def _block(self, i: int) -> Block:
        """One batch without the rows before the table, and without its blank rows."""
        import pyarrow as pa

        begin = max(0, self.first - self.starts[i])
        columns = [cells[begin:] for cells in self._cells(i)]
        table = pa.table(columns, names=[str(c) for c in range(len(columns))])
        blank = _blank(columns)
        first = self.starts[i] + begin
        return Block(
            table.filter(pa.array(~blank)),
            [],
            int(blank.sum()),
            lambda: [first + int(at) for at in (~blank).nonzero()[0]],
        )


def _last(cells: pa.Array) -> int:
    """The position of the last cell that has a value; -1 without one."""
    import numpy as np

    if cells.null_count == len(cells):
        return -1
    return int(np.flatnonzero(cells.is_valid().to_numpy(zero_copy_only=False))[-1])


def _numbers(first: int, blank: Any) -> list[int]:
    """The sheet's rows, from `first`, that are not blank."""
    import numpy as np

    return (np.flatnonzero(~blank) + first).tolist()


def _blank(columns: list[pa.Array]) -> Any:
    """A mask of the rows in which no cell has a value."""
    import numpy as np

    blank = np.ones(len(columns[0]), bool)
    for cells in columns:
        if not blank.any():
            break
        blank &= cells.is_null().to_numpy(zero_copy_only=False)
    return blank


FORMAT = Format(
    name="excel",
    label="Excel and OpenDocument (xlsx, xls, xlsb, ods)",
    suffixes=(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    params=PARAMS,
    recognise=recognise,
    open=open_workbook,
)
