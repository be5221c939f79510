"""A table made of objects whose keys may differ: a column for each key, found while the file is read once.

Blocks are put down on disk as they come; when all keys are known they are read back, each with all columns.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.errors import UnreadableFile
from datasets.formats import _header
from datasets.formats._base import Block, Reject, TextTable
from datasets.formats._json_stream import Pairs, Written, dumps
from plugins.params import Param

if TYPE_CHECKING:
    import pyarrow as pa

DEPTH = Param(
    "depth", "int", 2,
    "How many levels of objects inside objects become columns of their own; deeper ones are kept as JSON text.",
    label="Levels of nesting", low=0, high=10,
)  # fmt: skip
_RECORDS = 20_000  # in a block
_CELLS = 1 << 20
_TEXT = 16 << 20
_MOMENT = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z?)?$"
Path_ = tuple[str, ...]
# A value with the physical line on which it starts, and its text; a str value says why it is none.
Record = tuple[int, Any, str]


class Unfit(str):
    """Why something that stands where a record should is none."""


def open_objects(records: Iterable[Record], workdir: Path, depth: int) -> TextTable:
    """Read all records and return their table."""
    spill = _Spill(workdir, depth)
    for line, value, text in records:
        spill.add(line, value, text)
    return spill.table()


class _Spill:
    """Blocks of records on disk, and what is known about their columns."""

    def __init__(self, workdir: Path, depth: int) -> None:
        self.workdir, self.depth = workdir, depth
        self.paths: dict[Path_, int] = {}  # in the order in which they were seen
        self.kinds: list[set[str]] = []  # of each column, what its values are in JSON
        self.blocks: list[tuple[Path, list[Reject], array[int]]] = []
        self.rejected = self.accepted = 0
        self._begin()

    def _begin(self) -> None:
        self.cells: dict[int, list[str | None]] = {}
        self.lines: list[int] = []
        self.rejects: list[Reject] = []
        self.size = 0

    def add(self, line: int, value: Any, text: str) -> None:
        """Take in one record."""
        if reason := _unfit(value):
            self.rejects.append(Reject(line, reason, text))
        else:
            self._flatten(value, (), self.depth)
            self.lines.append(line)
        self.size += len(text)
        count = len(self.lines) + len(self.rejects)
        if count >= _RECORDS or self.size >= _TEXT or count * max(1, len(self.paths)) >= _CELLS:
            self._flush()

    def _flatten(self, record: dict[str, Any], path: Path_, depth: int) -> None:
        row = len(self.lines)
        for key, value in record.items():
            here = (*path, key)
            if depth and isinstance(value, dict) and value:
                self._flatten(value, here, depth - 1)
                continue
            column = self.paths.get(here)
            if column is None:
                column = self._new(here)
            if value is None:
                continue
            cells = self.cells.setdefault(column, [])
            if len(cells) < row:
                cells.extend([None] * (row - len(cells)))
            kind, text = _cell(value)
            cells.append(text)
            self.kinds[column].add(kind)

    def _new(self, path: Path_) -> int:
        self.paths[path] = column = len(self.kinds)
        self.kinds.append(set())
        _header.refuse_width(column + 1)
        return column

    def _flush(self) -> None:
        """Write the block that has been gathered."""
        import pyarrow as pa

        if not self.lines and not self.rejects:
            return
        rows = len(self.lines)
        arrays = {column: self._array([*cells, *[None] * (rows - len(cells))]) for column, cells in self.cells.items()}
        for column, cells in arrays.items():
            self._look(column, cells)
        target = self.workdir / f"records-{len(self.blocks):06}.arrow"
        # A column of its own carries the number of rows where no record has a key.
        table = pa.table([pa.nulls(rows), *arrays.values()], names=["", *map(str, arrays)])
        with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        self.blocks.append((target, self.rejects, array("q", self.lines)))
        self.accepted += rows
        self.rejected += len(self.rejects)
        self._begin()

    def _array(self, cells: list[str | None]) -> pa.Array:
        import pyarrow as pa

        try:
            return pa.array(cells, pa.string())
        except UnicodeEncodeError:
            row = next(i for i, cell in enumerate(cells) if cell is not None and not _is_text(cell))
            raise UnreadableFile(
                "wrong_encoding",
                f"The record on line {self.lines[row]} holds half a character (a lone surrogate such as \\ud800).",
                "Write the file again with whole characters.",
            ) from None

    def _look(self, column: int, cells: pa.Array) -> None:
        """Note what later decides whether text is to be read as dates; refuse what is no text."""
        import pyarrow.compute as pc

        if (data := cells.buffers()[2]) and b"\0" in memoryview(data).tobytes():
            row = pc.index(pc.match_substring(cells, "\0"), True).as_py()
            raise UnreadableFile(
                "binary_file",
                f"The record on line {self.lines[row]} holds a NUL character.",
                "Leave it out, and upload the file again.",
            )
        if self.kinds[column] == {"text"} and not pc.all(pc.match_substring_regex(cells, _MOMENT)).as_py():
            self.kinds[column].add("words")

    def table(self) -> TextTable:
        """The table of all records."""
        self._flush()
        if not self.blocks:
            raise UnreadableFile("empty_file", "The file holds no records.", "Choose a file with at least one record.")
        if not self.paths:
            raise UnreadableFile(
                "no_records",
                f"None of the {self.accepted + self.rejected:,} records has a value under a key.",
                "Upload a list of objects, such as [{\"name\": \"Ada\", \"age\": 36}].",
            )  # fmt: skip
        names, notes = _header.column_names([".".join(path) for path in self.paths])
        # Text is not read as numbers where the file itself tells the two apart.
        typed = {name: "text" for name, kinds in zip(names, self.kinds, strict=True) if kinds == {"text", "words"}}
        return TextTable(names, self._loaders, {"depth": self.depth}, len(self.blocks), notes, typed)

    def _loaders(self) -> Iterator[Callable[[], Block]]:
        return (partial(self._load, *block) for block in self.blocks)

    def _load(self, path: Path, rejects: list[Reject], lines: array[int]) -> Block:
        import pyarrow as pa

        found = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        nothing = pa.nulls(found.num_rows, pa.string())
        held = set(found.column_names)
        columns = [found.column(str(i)) if str(i) in held else nothing for i in range(len(self.kinds))]
        return Block(pa.table(columns, names=[str(i) for i in range(len(columns))]), rejects, lines=lambda: lines)


def _unfit(value: Any) -> str:
    """Why a value is no record; "" if it is one."""
    if isinstance(value, Unfit):
        return str(value)
    if isinstance(value, Pairs):
        return f"has the key {value.twice[:80]!r} twice"
    if not isinstance(value, dict):
        return "is not an object"
    inner = [each for each in value.values() if isinstance(each, dict)]
    return next((reason for each in inner if (reason := _unfit(each))), "")


def _cell(value: Any) -> tuple[str, str]:
    """What a value is in JSON, and its text."""
    if isinstance(value, Written):
        return "number", _number(value)
    if isinstance(value, str):
        return "text", value
    if isinstance(value, bool):
        return "boolean", "true" if value else "false"
    return "json", dumps(value)


def _number(written: str) -> str:
    """A number with an exponent in its plain spelling, where a double is exactly it; otherwise as it is written."""
    if "e" not in written and "E" not in written:
        return str(written)
    value = float(written)
    exact = math.isfinite(value) and len(written) < 400 and Decimal(repr(value)) == Decimal(written)
    return repr(value) if exact else str(written)


def _is_text(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True
