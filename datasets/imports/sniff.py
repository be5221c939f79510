"""The preview of an import: the first rows of a file, read exactly as the import will read them, and nothing kept.

Plain Python, called in a child with limits (jobs/sandbox.py). The first part of the file goes through the import's own
code, so that what is shown here is what will be stored; only what needs every row, such as a type that a later row
refutes, can still turn out otherwise.
"""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from datasets.errors import UnreadableFile
from datasets.formats import _archives, _encoding
from datasets.formats._base import Block, Format
from datasets.ingestion.ingest import IngestReport, ingest_opened
from datasets.ingestion.opening import Opened, choose_format, likely_formats, open_table
from plugins.params import ParamError

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 1 << 20  # bytes of a file of text
BLOCKS = 4  # of any other file
MOST_COLUMNS = 200  # whose cells are shown; names and types are told of all
MOST_TEXT = 200  # characters of a cell or a line
MOST_REJECTS = 200
HEAD_LINES = 20
# An encoding is judged by the whole file, as the import does, unless that takes too long to wait for.
JUDGED = 1 << 30


def serve(question: dict[str, Any]) -> dict[str, Any]:
    """Answer in JSON what `jobs.sandbox.ask` asks."""
    given = {name: question[name] for name in ("rows", "workdir") if name in question}
    return sniff(Path(question["source"]), question["filename"], question["options"], **given)


def sniff(
    source: Path, filename: str, options: dict[str, Any], rows: int = 50, workdir: str | None = None
) -> dict[str, Any]:
    """Return how the file is understood with these options, its first rows, and what would be set aside.

    A file that cannot be read is an answer too: `error` with code, detail and hint, and `head`, its first lines.
    """
    with TemporaryDirectory(prefix="sniff-", dir=workdir) as folder:
        part = _Part(source, filename, dict(options))
        try:
            part.cut(Path(folder))
            return _read(part, Path(folder), rows)
        except UnreadableFile as error:
            problem = {"code": error.code, "detail": error.detail, "hint": error.hint, "field": error.field}
        except ParamError as error:
            problem = {"code": "bad_option", "detail": error.message, "hint": "", "field": f"options.{error.field}"}
        return {"error": problem, "format": part.format.name if part.format else "", "head": part.head()}


class _Part:
    """As much of the file as the preview needs, unpacked where it is packed."""

    def __init__(self, source: Path, filename: str, options: dict[str, Any]) -> None:
        self.path, self.filename, self.options = source, filename, options
        self.format: Format | None = None
        self.notes: list[str] = []
        self.is_whole = True

    def cut(self, workdir: Path) -> None:
        unpacked = _archives.unpack(self.path, workdir, self.filename, most=_enough)
        self.notes = unpacked.notes
        if unpacked.path != self.path and (most := _enough(unpacked.filename)):
            self.is_whole = unpacked.path.stat().st_size < most
        self.path, self.filename = unpacked.path, unpacked.filename
        self.format = choose_format(self.path, self.filename, str(self.options.get("format") or ""))
        if self.format.head and self.path.stat().st_size > SAMPLE:
            self._settle_encoding()
            with self.path.open("rb") as file:
                beginning = self.format.head(file.read(SAMPLE))
            if beginning:
                self.path, self.is_whole = workdir / "sample", False
                self.path.write_bytes(beginning)

    def _settle_encoding(self) -> None:
        assert self.format is not None
        param = next((param for param in self.format.params if param.name == "encoding"), None)
        if param is None or self.options.get("encoding", param.default) != param.default:
            return
        if self.path.stat().st_size <= JUDGED:
            with self.path.open("rb") as file:
                self.options["encoding"] = _encoding.detect(self.path, file.read(4096))

    def head(self) -> list[dict[str, Any]]:
        """The file's first lines as they stand there, for who wants to see why it cannot be read."""
        if self.format is None or not self.format.head:
            return []
        with self.path.open("rb") as file:
            data = file.read(HEAD_LINES * 4096)
        encoding = self.options.get("encoding", "utf-8")
        name = encoding if encoding in _encoding.ENCODINGS else "utf-8"
        lines = data.decode(name, "replace").splitlines()[:HEAD_LINES]
        return [{"line": number, "text": _shown(text)} for number, text in enumerate(lines, start=1)]


def _enough(filename: str) -> int | None:
    return SAMPLE + 1 if likely_formats(filename)[0].head else None


def _read(part: _Part, folder: Path, rows: int) -> dict[str, Any]:
    workdir, target, rejects = folder / "work", folder / "rows", folder / "rejects.csv"
    workdir.mkdir()
    opened = open_table(part.path, workdir, filename=part.filename, options=part.options)
    part.format = opened.format
    is_whole = _only_the_first(opened) and part.is_whole
    first = next(opened.table.blocks())()
    report = ingest_opened(opened, target, rejects, progress=lambda fraction, note: None)
    aside = _set_aside(rejects) if rejects.exists() else []
    return {
        "format": opened.format.name,
        "filename": part.filename,
        "options": report.options,
        "choices": opened.table.choices,
        "columns": report.schema.to_json(),
        "typed": sorted(opened.table.typed),
        "rows": _rows(first, report, opened.given["missing"], aside, rows),
        "aside": aside[:MOST_REJECTS],
        "counts": {"rows": report.rows, "rejected": report.rejected_rows, "quarantined": report.quarantined_cells},
        "is_whole": is_whole,
        "notes": [*part.notes, *report.notes],
    }


def _only_the_first(opened: Opened) -> bool:
    """Let the table end after its first blocks; answer whether those are all."""
    every = opened.table.blocks
    is_all = sum(1 for _ in islice(every(), BLOCKS + 1)) <= BLOCKS
    opened.table.blocks = lambda: islice(every(), BLOCKS)
    return is_all


def _set_aside(rejects: Path) -> list[dict[str, Any]]:
    with rejects.open(encoding="utf-8", newline="") as file:
        return [
            {
                "line": int(row["line"]) if row["line"].isdigit() else None,
                "column": row.get("column") or "",
                "reason": row["reason"],
                "text": _shown(row["text"] or ""),
            }
            for row in csv.DictReader(file)
        ]


def _rows(
    block: Block, report: IngestReport, missing: list[str], aside: list[dict[str, Any]], most: int
) -> list[dict[str, Any]]:
    """The first rows: line, cells as the file has them, and of each cell whether it is missing or quarantined."""
    shown = block.cells.slice(0, most)
    lines = list(islice(block.lines(), most)) if block.lines else [None] * shown.num_rows
    names = report.schema.names[:MOST_COLUMNS]
    columns = [_texts(shown.column(at)) for at in range(len(names))]
    quarantined = {(each["line"], each["column"]) for each in aside if each["column"]}
    found = []
    for number, line in enumerate(lines):
        cells = [column[number] for column in columns]
        marks = {
            at: "quarantined" if (line, name) in quarantined else "missing"
            for at, (name, cell) in enumerate(zip(names, cells, strict=True))
            if (line, name) in quarantined or cell is None or cell in missing
        }
        found.append({"line": line, "cells": [cell and _shown(cell) for cell in cells], "marks": marks})
    return found


def _texts(cells: pa.ChunkedArray) -> list[str | None]:
    """A column's cells as text; values of files that are typed as Arrow prints them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = cells if pa.types.is_string(cells.type) else pc.cast(cells, pa.string())
    return text.to_pylist()  # type: ignore[no-any-return]


def _shown(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"
