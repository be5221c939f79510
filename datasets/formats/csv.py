"""CSV and its relatives: any delimiter between the fields, with or without a header, quotes and lines before it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.errors import UnreadableFile
from datasets.formats import _dialect, _encoding, _header, _heads, _lines, _returns, _totals
from datasets.formats._base import Block, Format, Reject, TextTable
from datasets.formats._header import AUTO
from plugins.params import Param

if TYPE_CHECKING:
    import pyarrow as pa

_HEAD = 1 << 20
_HEAD_LINES = 10 * _dialect.SAMPLE_LINES  # of it; so many hold the records that tell the dialect, though some are long
_RECORDS = 20_000  # records in a block that is read one by one
_MAX_REPAIRS = 10_000
_NARROW, _WIDEST = 256, 32  # columns above which a block is larger, so that it still has rows; and how much larger

PARAMS = (
    _encoding.PARAM,
    *_dialect.PARAMS,
    *_header.PARAMS,
    Param(
        "broken_quotes", "choice", "refuse",
        "What to do with a line whose quotes do not close: refuse the file, or set the line aside with the rejects.",
        choices=("refuse", "reject"),
    ),
    _totals.PARAM,
)  # fmt: skip


def recognise(head: bytes) -> bool:
    """Any text will do: CSV is what remains when no other format claims a file."""
    return bool(head)


def open_text(source: Path, workdir: Path, options: dict[str, Any]) -> TextTable:
    """Open delimited text; see formats._base.Format.open."""
    text = _encoding.as_utf8(source, workdir, options["encoding"], trusting=True)
    if not text.checked:
        try:
            return _opened(text, workdir, options)
        except _lines.NotAsItBegan:
            text = _encoding.as_utf8(source, workdir, options["encoding"])
    return _opened(replace(text, path=_returns.mended(text.path, workdir)), workdir, options)


def _opened(text: _encoding.Text, workdir: Path, options: dict[str, Any]) -> TextTable:
    path, start = text.path, text.start
    head = _head(path, start, options["skip_lines"] or 0)
    aligned = options["delimiter"] == _dialect.SPACES or (options["delimiter"] == AUTO and _dialect.is_aligned(head))
    if aligned:
        if not text.checked:
            _lines.check(path)
        path, start = _unaligned(path, start, workdir), 0
        head, options = _head(path, start, options["skip_lines"] or 0), {**options, "delimiter": "tab"}
    dialect = _dialect.understand(head, options)
    skip = options["skip_lines"] if options["skip_lines"] is not None or not _dialect.announced(head) else 1
    lines, records = _dialect.sample_records(_after(head, skip or 0), dialect)
    if not records:
        raise UnreadableFile("broken_quotes", "The first line has a quote that never closes.", _QUOTE_HINT)
    header = _header.understand(records, options, None if skip is None else 0)
    before = (skip or 0) + lines[header.skipped] - 1
    layout = _Layout(path, dialect, len(header.names), options["broken_quotes"] == "reject")
    layout.move(start, before, header.taken)
    detected = {
        "encoding": text.encoding,
        **dialect.options(),
        **({"delimiter": _dialect.SPACES} if aligned else {}),
        "header": "yes" if header.taken else "no",
        "skip_lines": before,
        "header_lines": options["header_lines"],
        "broken_quotes": options["broken_quotes"],
    }
    table = TextTable(header.names, layout.blocks, detected, layout.count(checked=text.checked), header.notes)
    return _totals.set_aside(table, options["totals"])


def _unaligned(path: Path, start: int, workdir: Path) -> Path:
    """Write the text with one tab wherever its lines have spaces between two fields."""
    target = workdir / "unaligned.utf8"
    with path.open("rb") as file, target.open("wb") as out:
        file.seek(start)
        while line := file.readline(_lines.MAX_LINE):
            out.write(_dialect.unaligned(line.decode()).encode() + b"\n")
    return target


def _after(text: str, lines: int) -> str:
    """The text after so many lines."""
    at = 0
    for _ in range(lines):
        at = text.find("\n", at) + 1
        if not at:
            return ""
    return text[at:]


_QUOTE_HINT = (
    "Close the quote in the file, or import again and choose to set lines with broken quotes aside; "
    "a quote inside a quoted field is written twice."
)


def _head(path: Path, start: int, skipped: int) -> str:
    """Return the file's first lines as text, whole ones, and so many that are skipped.

    They are at most a MiB, or more where two lines are longer than that.
    """
    size = _HEAD
    with path.open("rb") as file:
        while True:
            file.seek(start)
            data = file.read(size)
            if not file.read(1):
                break
            if data.count(b"\n") > 1:
                data = data[: data.rfind(b"\n") + 1]
                break
            if size >= _lines.MAX_LINE:
                raise _lines.too_long(data.count(_encoding.NEWLINE) + 1)
            size *= 4
    if not data.strip():
        raise UnreadableFile(
            "empty_file", "The file holds only blank lines.", "Choose a file with a header line and rows."
        )
    return _first_lines(data, skipped + _HEAD_LINES).decode("utf-8", errors="ignore")


def _first_lines(data: bytes, lines: int) -> bytes:
    at = 0
    for _ in range(lines):
        at = data.find(b"\n", at) + 1
        if not at:
            return data
    return data[:at]


def _closed(record: str, dialect: _dialect.Dialect) -> bool:
    try:
        list(_reader(io.StringIO(record, newline=""), dialect))
    except csv.Error:
        return False
    return True


def _reader(lines: Any, dialect: _dialect.Dialect) -> Any:
    csv.field_size_limit(_lines.MAX_LINE)
    return dialect.reader(lines, strict=True)


class _Layout:
    """Where the records are and how they are divided into fields."""

    def __init__(self, path: Path, dialect: _dialect.Dialect, width: int, reject: bool) -> None:
        self.path, self.dialect, self.width, self.reject = path, dialect, width, reject
        self.start, self.line = 0, 1
        self._spans: list[_lines.Span] | None = None

    def move(self, start: int, skip: int, records: int) -> None:
        """Begin after `skip` lines and `records` records that are not blank, counted from byte `start`."""
        with self.path.open("rb") as file:
            file.seek(start)
            for _ in range(skip):
                file.readline()
            record, lines = b"", skip
            while records and (line := file.readline()):
                record += line
                lines += 1
                if not record.strip(b"\r\n"):
                    record = b""
                elif _closed(record.decode("utf-8", "ignore"), self.dialect):
                    record = b""
                    records -= 1
            self.start, self.line = file.tell(), lines + 1

    def count(self, *, checked: bool) -> int | None:
        """Survey the file: cut it into spans where its quotes are regular; None where it must be read one by one."""
        size = _lines.BLOCK * max(1, min(self.width // _NARROW, _WIDEST))
        try:
            if self.dialect.plain:
                survey = _lines.Survey(self.path, self.dialect.delimiter, size, checked)
                self._spans = survey.spans(self.start, self.line)
                return len(self._spans)
        except _lines.IrregularQuotes:
            pass
        if not checked:
            _lines.check(self.path)
        return None

    def blocks(self) -> Iterator[Callable[[], Block]]:
        if self._spans is not None:
            return (partial(self._parse, span) for span in self._spans)
        return (partial(_same, block) for block in self._one_by_one())

    def _parse(self, span: _lines.Span) -> Block:
        """Parse one span with Arrow's reader, every column as text."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        data = _lines.read(self.path, span)
        names = [str(i) for i in range(self.width)]
        odd: list[Any] = []

        def keep(row: Any) -> str:
            odd.append(row)
            return "skip"

        cells = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self.dialect.delimiter,
                newlines_in_values=span.quoted,
                ignore_empty_lines=self.width > 1,
                invalid_row_handler=keep,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
        return self._block(data, span, cells, odd)

    def _block(self, data: bytes, span: _lines.Span, cells: pa.Table, odd: list[Any]) -> Block:
        if span.lines == cells.num_rows:
            return Block(cells, [], 0, lambda: range(span.line, span.line + span.lines))
        # In a table of one column, a blank line is a record whose cell is empty.
        lines, blank = _lines.record_lines(data, span.line, blank=self.width == 1)
        rejects = [self._ragged(lines[row.number - 1], row.actual_columns, row.text) for row in odd]
        return Block(cells, rejects, blank, lambda: _without(lines, {row.number - 1 for row in odd}))

    def _ragged(self, line: int, fields: int, text: str) -> Reject:
        return Reject(
            line, f"has {fields} {'field' if fields == 1 else 'fields'} where the table has {self.width}", text
        )

    def _one_by_one(self) -> Iterator[Block]:
        """Read records with Python's parser, which says where quotes are broken."""
        rows: list[list[str]] = []
        lines: list[int] = []
        rejects: list[Reject] = []
        blank = 0
        for line, record, text in _records(self.path, self.start, self.line, self):
            if record is None:
                rejects.append(Reject(line, "has a quote that is not closed properly", text))
            elif not record and self.width > 1:
                blank += 1
            elif len(record) != self.width and not (self.width == 1 and not record):
                rejects.append(self._ragged(line, len(record), text))
            else:
                rows.append(record or [""])
                lines.append(line)
            if len(rows) + len(rejects) >= _RECORDS:
                yield Block(self._table(rows), rejects, blank, partial(list, lines))
                rows, lines, rejects, blank = [], [], [], 0
        yield Block(self._table(rows), rejects, blank, partial(list, lines))

    def _table(self, rows: list[list[str]]) -> pa.Table:
        import pyarrow as pa

        columns = zip(*rows, strict=True) if rows else [()] * self.width
        arrays = [pa.array(column, pa.string()) for column in columns]
        return pa.Table.from_arrays(arrays, names=[str(i) for i in range(self.width)])


def _records(path: Path, start: int, line: int, layout: _Layout) -> Iterator[tuple[int, list[str] | None, str]]:
    """Yield (physical line, fields, text) of each record; fields are None for a line with broken quotes.

    After a broken line, reading goes on at the next physical line.
    """
    repairs = 0
    with path.open("rb") as file:
        file.seek(start)
        while True:
            at, taken = file.tell(), []  # type: ignore[var-annotated]
            try:
                record = next(_reader(_taking(file, taken), layout.dialect))
            except StopIteration:
                return
            except csv.Error:
                repairs += 1
                if not layout.reject or repairs > _MAX_REPAIRS:
                    raise UnreadableFile(
                        "broken_quotes", f"Line {line} has a quote that is not closed properly.", _QUOTE_HINT
                    ) from None
                file.seek(at)
                text = file.readline()
                yield line, None, text.decode().rstrip("\r\n")
                line += 1
                continue
            yield line, record, "".join(taken).rstrip("\r\n")
            line += len(taken)


def _taking(file: io.BufferedReader, taken: list[str]) -> Iterator[str]:
    """Yield the file's lines and keep them; a record that runs on for 16 MiB is not one."""
    size = 0
    while line := file.readline(_lines.MAX_LINE + 1):
        size += len(line)
        if size > _lines.MAX_LINE:
            raise csv.Error("record too long")
        taken.append(line.decode())
        yield taken[-1]


def _without(lines: list[int], odd: set[int]) -> list[int]:
    return [line for at, line in enumerate(lines) if at not in odd]


def _same(block: Block) -> Block:
    return block


FORMAT = Format(
    name="csv",
    label="CSV and other delimited text",
    suffixes=(".csv", ".tsv", ".txt", ".tab", ".psv"),
    params=PARAMS,
    recognise=recognise,
    open=open_text,
    check=_dialect.check,
    head=_heads.quoted_lines,
)
