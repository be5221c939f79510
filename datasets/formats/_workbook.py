"""Reads one sheet of a workbook into text cells, in a process of its own.

The library that understands workbooks holds a whole sheet in memory, and a file made with bad intent can bring it down.
Here it takes only this process with it, whose memory is limited, and what it used is given back when the sheet is read.

    python -m datasets.formats._workbook SOURCE TARGET OPTIONS

OPTIONS is JSON: `sheet` (a name, or "" for the first sheet that holds data), `merged` ("first" or "fill"). TARGET becomes
an Arrow file with one string column per sheet column and one row per sheet row. The answer on standard output is JSON:
`sheet`, `others` (names), `rows`, `errors` (cells that show an error), `merged` (ranges), or `refused` with an error.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.errors import UnreadableFile
from datasets.formats import _xlsx

if TYPE_CHECKING:
    import pyarrow as pa

MAX_COLUMNS = 10_000
MEMORY_MB = 3000
_CELLS = 500_000  # in one batch
_EXACT = 2**53
_MOST_RANGES = 100_000


def main(source: str, target: str, options: str) -> int:
    """Read the sheet and print the answer."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = MEMORY_MB << 20
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    try:
        answer = read(Path(source), Path(target), **json.loads(options))
    except UnreadableFile as error:
        answer = {"refused": [error.code, error.detail, error.hint]}
    sys.stdout.write(json.dumps(answer))
    return 0


def read(source: Path, target: Path, sheet: str, merged: str) -> dict[str, Any]:
    """Write the sheet's cells to `target`; see the module's text."""
    import python_calamine as calamine

    try:
        with calamine.CalamineWorkbook.from_path(source) as workbook:
            chosen, found = _choose(workbook, sheet)
            seen = _xlsx.remarks(source, chosen)
            ranges = (found.merged_cell_ranges or [])[:_MOST_RANGES]
            rows = _filled(found.iter_rows(), ranges) if merged == "fill" else found.iter_rows()
            count = _write(_corrected(rows, seen.texts), found.total_width, target)
            others = [name for name in workbook.sheet_names if name != chosen]
    except calamine.PasswordError:
        raise UnreadableFile(
            "encrypted_file",
            "The workbook is protected by a password.",
            "Take the password off in the spreadsheet program, save the workbook and upload it again.",
        ) from None
    except (calamine.CalamineError, ValueError, OverflowError) as error:
        raise damaged(str(error)) from None
    return {"sheet": chosen, "others": others, "rows": count, "errors": seen.errors, "merged": len(ranges)}


def damaged(reason: str) -> UnreadableFile:
    """The refusal of a workbook that cannot be opened."""
    return UnreadableFile(
        "damaged_file",
        f"The workbook is damaged or cut off ({reason[:200]}).",
        "Open it in a spreadsheet program, save it as .xlsx or export the sheet as CSV, and upload that file.",
    )


def _choose(workbook: Any, wanted: str) -> tuple[str, Any]:
    """The sheet of that name, or the first that holds data; sheets that people see come first."""
    from python_calamine import SheetVisibleEnum

    names = workbook.sheet_names
    if wanted and wanted not in names:
        listed = ", ".join(repr(name) for name in names[:20])
        raise UnreadableFile(
            "no_such_sheet",
            f"The workbook has no sheet called {wanted!r}; it has {listed}.",
            "Choose one of these sheets.",
        )
    by_view = sorted(workbook.sheets_metadata, key=lambda each: each.visible != SheetVisibleEnum.Visible)
    for name in [wanted] if wanted else [each.name for each in by_view]:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.end is not None and sheet.height:
            _refuse_width(name, sheet.total_width + 1)
            return name, sheet
    what = f"The sheet {wanted!r} is empty." if wanted else "No sheet of the workbook holds a value."
    raise UnreadableFile("empty_file", what, "Choose a sheet that has a header line and at least one row.")


def _refuse_width(name: str, width: int) -> None:
    if width > MAX_COLUMNS:
        raise UnreadableFile(
            "too_many_columns",
            f"The sheet {name!r} reaches to column {width:,}; at most {MAX_COLUMNS:,} can be read.",
            "Delete stray cells far to the right, or keep only the columns that you need.",
        )


def _filled(rows: Iterator[list[Any]], ranges: list[tuple[tuple[int, int], tuple[int, int]]]) -> Iterator[list[Any]]:
    """Give every cell of a merged range the value of its first."""
    waiting = sorted(ranges, reverse=True)
    held: list[tuple[int, int, int, Any]] = []  # last row, first and last column, value
    for number, row in enumerate(rows):
        while waiting and waiting[-1][0][0] <= number:
            (_, left), (bottom, right) = waiting.pop()
            held.append((bottom, left, right, row[left] if left < len(row) else ""))
        held = [each for each in held if each[0] >= number]
        for _, left, right, value in held:
            row[left : right + 1] = [value] * len(row[left : right + 1])
        yield row


def _corrected(rows: Iterator[list[Any]], texts: dict[tuple[int, int], str]) -> Iterator[list[Any]]:
    """Put in the whole numbers that have more digits than a double holds."""
    by_row: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in texts.items():
        by_row.setdefault(row, []).append((column, text))
    for number, cells in enumerate(rows):
        for column, text in by_row.get(number, ()):
            cells.extend([""] * (column + 1 - len(cells)))
            cells[column] = text
        yield cells


def _write(rows: Iterator[list[Any]], width: int, target: Path) -> int:
    """Write the rows as text, a batch at a time, and count them."""
    import pyarrow as pa

    width += 1  # `total_width` is the last column's position
    schema = pa.schema([(str(i), pa.string()) for i in range(width)])
    size, count = max(100, min(20_000, _CELLS // width)), 0
    with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        while batch := list(islice(rows, size)):
            columns = zip(*((row + [""] * width)[:width] for row in batch), strict=True)
            writer.write(pa.record_batch([_texts(column) for column in columns], schema=schema))
            count += len(batch)
    return count


def _texts(cells: tuple[Any, ...]) -> pa.Array:
    import pyarrow as pa

    kinds = set(map(type, cells))
    if kinds == {str}:
        return pa.array([cell or None for cell in cells], pa.string())
    if kinds <= {float, str} and not any(cell for cell in cells if type(cell) is str):
        return _numbers(pa.array([None if cell == "" else cell for cell in cells], pa.float64()))
    return pa.array([PRINT[type(cell)](cell) for cell in cells], pa.string())


def _numbers(cells: pa.Array) -> pa.Array:
    """A column of nothing but numbers, printed as `_number` does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.and_(pc.equal(pc.floor(cells), cells), pc.less_equal(pc.abs(cells), _EXACT))
    texts = pc.cast(pc.cast(pc.if_else(whole, cells, None), pa.int64()), pa.string())
    if texts.null_count == cells.null_count:
        return texts
    broken = pc.if_else(whole, None, cells).to_pylist()
    return pc.coalesce(texts, pa.array([None if value is None else repr(value) for value in broken], pa.string()))


def _number(value: float) -> str:
    """A whole number without a point where a double holds it exactly; otherwise the shortest spelling."""
    return str(int(value)) if value.is_integer() and abs(value) <= _EXACT else repr(value)


def _duration(value: timedelta) -> str:
    seconds = value / timedelta(seconds=1)
    sign, whole = "-" if seconds < 0 else "", int(abs(seconds))
    fraction = f"{abs(value) % timedelta(seconds=1) / timedelta(seconds=1):.6f}"[1:].rstrip("0").rstrip(".")
    return f"{sign}{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{fraction}"


PRINT: dict[type, Callable[[Any], str | None]] = {
    str: lambda value: value or None,
    float: _number,
    int: str,
    bool: lambda value: "TRUE" if value else "FALSE",
    date: date.isoformat,
    datetime: lambda value: value.isoformat(" "),
    time: time.isoformat,
    timedelta: _duration,
}


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main(*sys.argv[1:4]))
