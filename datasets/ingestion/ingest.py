"""From a file to an immutable table in Parquet parts: text first, then types, every record accounted for.

The file is read in blocks on a few threads with bounded memory. The first block proposes how each column is to be
read; a later block that disagrees narrows it, and the table is then written again with what the full scan found.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from datasets.errors import UnreadableFile
from datasets.formats._base import Block, TextTable
from datasets.ingestion.inference import Inference
from datasets.ingestion.opening import COMMON, Opened, open_table
from datasets.ingestion.part_writer import PartWriter
from datasets.ingestion.readings import READINGS
from datasets.ingestion.readings.columns import Manner, ReadColumn, read_column, take_column
from datasets.ingestion.rejects import Rejects
from datasets.parts import Manifest
from datasets.schema import Schema, arrow_schema
from rest.spreadsheets import RISKY, undefused

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[float, str], None]
Typed = tuple[Block, list[ReadColumn]]
_ROWS, _REJECTS = "rows", "rejects.csv"
_HELPERS = max(1, min(4, os.cpu_count() or 2) - 1)  # beside the thread that writes, and reads meanwhile
_AHEAD = _HELPERS + 3  # blocks in work or waiting to be written


@dataclass(slots=True)
class IngestReport:
    """What came of a file. Counts are of records: `rows` + `rejected_rows` = the records read."""

    schema: Schema
    rows: int
    columns: int
    rejected_rows: int
    quarantined_cells: int
    manifest: Manifest
    options: dict[str, Any]
    notes: list[str]

    @property
    def sets_aside(self) -> bool:
        """Whether there is a list of rejected records and cells."""
        return bool(self.rejected_rows or self.quarantined_cells)


def ingest(
    source: Path, target: Path, rejects: Path, *, filename: str, options: dict[str, Any], progress: Progress
) -> IngestReport:
    """Read `source` into Parquet parts in the folder `target`, and its rejected records into `rejects` (CSV, if any).

    options: the format's parameters and `dates`; `types` {column: type} narrows what is tried; `missing` [spelling].
    progress(fraction, note) is called after each block. Raises UnreadableFile; then no file is written.
    """
    with TemporaryDirectory(dir=target.parent) as workdir:
        opened = open_table(source, Path(workdir), filename=filename, options=options)
        return ingest_opened(opened, target, rejects, progress=progress)


def ingest_opened(opened: Opened, target: Path, rejects: Path, *, progress: Progress) -> IngestReport:
    """Read a table that is open already; see `ingest`."""
    table, given = opened.table, opened.given
    with ThreadPoolExecutor(_HELPERS) as pool, TemporaryDirectory(dir=target.parent) as workdir:
        bare = given["apostrophes"] == "remove"
        names = _names(table.columns, bare=bare)
        typed = {
            name: table.typed[column]
            for name, column in zip(names, table.columns, strict=True)
            if column in table.typed
        }
        typing = Inference(names, given, typed)
        scratch = Path(workdir) / _ROWS
        while (written := _write(table, typing, Path(workdir), pool, progress)) is None:
            typing.begin_again()
        report = _report(opened, typing, *written)
        scratch.replace(_emptied(target))
        if report.sets_aside:
            (Path(workdir) / _REJECTS).replace(rejects)
    return report


def _write(
    table: TextTable, typing: Inference, workdir: Path, pool: ThreadPoolExecutor, progress: Progress
) -> tuple[Rejects, Manifest] | None:
    """Write one pass over the file into `workdir`; None where its types do not hold for the whole file."""
    writer: PartWriter | None = None
    rejects: Rejects | None = None
    valid = True
    for done, (block, columns) in enumerate(_typed_blocks(table, typing, pool), start=1):
        valid = typing.merge(columns) and valid
        rejects = rejects or Rejects(workdir / _REJECTS, typing.names, typing.nouns)
        rejects.add(block, columns, typing.records)
        typing.count(block.cells.num_rows, len(block.rejects), block.blank_lines)
        if valid:
            writer = writer or PartWriter(_emptied(workdir / _ROWS), arrow_schema(typing.schema()))
            writer.append(_stored(writer.schema, columns))
        progress(0.95 * done / table.size if table.size else 0.5, f"{typing.rows:,} rows read")
    manifest = writer.close() if writer else None
    if rejects:
        rejects.close()
    if not typing.rows:
        raise _nothing_fits(typing, workdir / _REJECTS)
    return (rejects, manifest) if rejects and manifest and valid and typing.complete() else None


def _stored(schema: pa.Schema, columns: list[ReadColumn]) -> pa.Table:
    """A block as it is stored; a column without a value so far takes the type that it will have."""
    import pyarrow as pa

    each = zip((column.values for column in columns), schema, strict=True)
    arrays = [values if values.type == kind.type else pa.nulls(len(values), kind.type) for values, kind in each]
    return pa.Table.from_arrays(arrays, schema=schema)


def _nothing_fits(typing: Inference, rejects: Path) -> UnreadableFile:
    if not typing.rejected:
        return UnreadableFile(
            "header_only", "The file has a header line and no rows.", "Add at least one row, or choose another file."
        )
    with rejects.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    return UnreadableFile(
        "no_row_fits",
        f"None of the {typing.rejected:,} lines fits the table; line {first['line']} {first['reason']}.",
        "Choose the delimiter and whether the file has a header, and import it again.",
    )


def _names(columns: list[str], *, bare: bool) -> list[str]:
    """The columns' names, without a download's apostrophes where that leaves them unique."""
    shorter = [undefused(name) for name in columns]
    return shorter if bare and len(set(shorter)) == len(columns) else columns


def _typed_blocks(table: TextTable, typing: Inference, pool: ThreadPoolExecutor) -> Iterator[Typed]:
    """Yield blocks with their typed columns, in order, a few of them in work at a time.

    The first block comes alone, so that the others are read by what it says.
    """
    manner = Manner.of(typing.given)

    def work(load: Callable[[], Block], readings: list[tuple[str, ...]]) -> Typed:
        return _typed(load(), readings, manner)

    loads = table.blocks()
    first = list(islice(loads, 1))
    # Their text is parsed meanwhile.
    second = [pool.submit(load).result for load in islice(loads, _AHEAD)]
    yield from (work(load, typing.readings) for load in first)
    waiting: deque[_Task] = deque()
    for load in chain(second, loads):
        waiting.append(_Task(pool, partial(work, load, list(typing.readings))))
        if len(waiting) > _AHEAD:
            yield _next(waiting)
    while waiting:
        yield _next(waiting)


class _Task:
    """Work for a pool that this thread may do instead while nobody has begun it.

    Every further thread has a memory of its own to fill, which costs a short import more than it gains.
    """

    def __init__(self, pool: ThreadPoolExecutor, run: Callable[[], Typed]) -> None:
        self.run, self.future = run, pool.submit(run)

    def take(self) -> bool:
        """Do it here, unless it has begun elsewhere."""
        if not self.future.cancel():
            return False
        self.future = Future()
        try:
            self.future.set_result(self.run())
        except Exception as error:
            self.future.set_exception(error)  # raised in its turn
        return True


def _next(waiting: deque[_Task]) -> Typed:
    """The first result, doing others meanwhile."""
    while not waiting[0].future.done() and any(task.take() for task in waiting):
        pass
    return waiting.popleft().future.result()


def _typed(block: Block, readings: list[tuple[str, ...]], manner: Manner) -> Typed:
    columns = zip(block.cells.columns, readings, strict=True)
    return block, [_read(_whole(cells), reading, manner) for cells, reading in columns]


def _read(cells: pa.Array, readings: tuple[str, ...], manner: Manner) -> ReadColumn:
    import pyarrow.compute as pc

    if readings and readings[0].startswith("given"):
        return take_column(cells, readings[0])
    text = pc.replace_substring_regex(cells, f"^'({RISKY[1:]})", r"\1") if manner.bare else cells
    return read_column(text, readings, manner)


def _whole(cells: pa.ChunkedArray) -> pa.Array:
    return cells.chunk(0) if cells.num_chunks == 1 else cells.combine_chunks()


def _report(opened: Opened, typing: Inference, aside: Rejects, manifest: Manifest) -> IngestReport:
    options = {
        "format": opened.format.name,
        **opened.table.options,
        **{param.name: typing.given[param.name] for param in COMMON},
        "types": typing.given["types"],
        "missing": typing.given["missing"],
    }
    return IngestReport(
        schema=typing.schema(), rows=typing.rows, columns=len(typing.names), rejected_rows=typing.rejected,
        quarantined_cells=aside.cells, manifest=manifest, options=options,
        notes=[*opened.table.notes, *_notes(typing, aside)],
    )  # fmt: skip


def _notes(typing: Inference, aside: Rejects) -> Iterator[str]:
    """Say in sentences what was understood beyond the plain reading."""
    if typing.blank:
        yield f"Blank lines skipped: {typing.blank:,}."
    for name in typing.ambiguous:
        yield f"{name!r} can be read in two ways (such as 01/02/2024 or 1,234), so it stays text; say which in the options."
    for name, (reading, odd, present) in typing.refused.items():
        yield f"{name!r} stays text: {odd:,} of its {present:,} values are no {READINGS[reading].noun}."
    for i, name in enumerate(typing.names):
        if reading := typing.written[i] and READINGS[typing.written[i]].label:
            yield f"{name!r} was read as {reading}."
        if name in aside.by_column:
            cells = aside.by_column[name].cells
            what = f"{cells:,} cells are" if cells > 1 else "1 cell is"
            were, lines = ("were", "lines") if cells > 1 else ("was", "line")
            yield f"In {name!r} {what} no {typing.nouns[i]} and {were} set aside: {lines} {aside.by_column[name]}."
        if spelled := {text: n for text, n in typing.missing[i].items() if text}:
            words = ", ".join(f"{text!r} ({n:,})" for text, n in sorted(spelled.items()))
            yield f"In {name!r} these mean a missing value: {words}."
        if i in typing.trimmed:
            yield f"Spaces around the values of {name!r} were ignored."


def _emptied(folder: Path) -> Path:
    """The path, with nothing there: an abandoned pass may have left its parts."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder
