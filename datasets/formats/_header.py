"""Where a table begins and how its columns are called. Decided on its first records, always open to an override."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from datasets.errors import UnreadableFile
from plugins.params import Param

AUTO = "detect"
MAX_COLUMNS = 10_000
PARAMS = (
    Param("header", "choice", AUTO, "Whether the first line of the table names the columns.", choices=(AUTO, "yes", "no")),
    Param(
        "skip_lines", "int", None, "How many lines stand before the table; left empty, they are found.",
        label="Lines before the table", low=0, high=10_000, optional=True,
    ),
    Param(
        "header_lines", "int", 1, "How many lines the header takes; the names that stand above each other are joined.",
        label="Lines of the header", low=1, high=10,
    ),
)  # fmt: skip
_VALUE = re.compile(r"[-+]?(\d[\d.,:/\-T Z]*)?\d([eE][-+]?\d+)?%?")
_MOST_BEFORE = 50  # lines before a table that are looked at
_SHOWN = 80
Record = Sequence[str]


@dataclass(slots=True)
class Header:
    """`skipped` records come before the table, `taken` are its header; then come the rows."""

    names: list[str]
    skipped: int
    taken: int
    notes: list[str] = field(default_factory=list)

    @property
    def first_row(self) -> int:
        return self.skipped + self.taken


def understand(records: Sequence[Record], options: dict[str, Any], skipped: int | None = None) -> Header:
    """Find the header among the first records of a table, blank ones left out.

    options: values of PARAMS. skipped: how many records come before the table, where that is known.
    """
    before = _before(records, options["header_lines"]) if skipped is None else skipped
    table = records[before:]
    if not table:
        raise UnreadableFile(
            "empty_file", "Nothing is left after the lines that are skipped.", "Skip fewer lines, and import it again."
        )
    named = detect_header(table) if options["header"] == AUTO else options["header"] == "yes"
    taken = options["header_lines"] if named else 0
    refuse_width(max(len(record) for record in table[: max(1, taken)]))
    if taken and len(table) <= taken:
        raise UnreadableFile(
            "header_only", "The file has a header line and no rows.", "Add at least one row, or choose another file."
        )
    names, notes = _names(table, taken)
    return Header(names, before, taken, _skipped(records[:before]) + notes)


def refuse_width(width: int) -> None:
    """Raise UnreadableFile for a table of more columns than can be read."""
    if width > MAX_COLUMNS:
        raise UnreadableFile(
            "too_many_columns",
            f"The first line has {width:,} columns; at most {MAX_COLUMNS:,} can be read.",
            "Turn the table so that its records are lines, or keep only the columns that you need.",
        )


def _skipped(records: Sequence[Record]) -> list[str]:
    if not records:
        return []
    shown = "; ".join(repr(" ".join(cell for cell in record if cell)[:_SHOWN]) for record in records[:3])
    more = f" and {len(records) - 3} more" if len(records) > 3 else ""
    return [
        f"Before the table, {len(records)} {'line was' if len(records) == 1 else 'lines were'} left out: {shown}{more}."
    ]


def _before(records: Sequence[Record], lines: int = 1) -> int:
    """How many records come before a header of so many lines: titles, dates of a report, comments."""
    comments = next((i for i, record in enumerate(records) if not record[0].startswith("#")), 0)
    if _surely_header(records[comments:]) and not _surely_header(records):
        return comments
    width = Counter(map(len, records)).most_common(1)[0][0]
    used = _used(records)
    if width < 2 or len(used) < 2:
        return 0
    full = [_belongs(record, width, used) for record in records[:_MOST_BEFORE]]
    start = max(0, full.index(True) - lines + 1) if True in full else 0
    ragged = start and all(len(record) < width - (width > 2) for record in records[:start])
    return start if start and (ragged or detect_header(records[start:])) else 0


def _used(records: Sequence[Record]) -> list[int]:
    """The columns in which most records have a cell that is not empty."""
    filled = Counter(i for record in records for i, cell in enumerate(record) if cell)
    return [i for i, count in filled.items() if 2 * count >= len(records)]


def _belongs(record: Record, width: int, used: list[int]) -> bool:
    """Answer whether a record is about as wide as the table, and filled where the table is."""
    filled = sum(1 for i in used if i < len(record) and record[i])
    return len(record) >= width - (width > 2) and filled > len(used) / 2


def _surely_header(records: Sequence[Record]) -> bool:
    """Answer whether the first record has names above columns of values."""
    if len(records) < 2 or any(looks_like_value(cell) for cell in records[0]):
        return False
    return any(_all_values(records[1:], i) for i in range(len(records[0])))


def _all_values(records: Sequence[Record], column: int) -> bool:
    cells = [record[column] for record in records if len(record) > column and record[column]]
    return bool(cells) and all(map(looks_like_value, cells))


def detect_header(records: Sequence[Record]) -> bool:
    """Answer whether the first record names the columns.

    It does unless one of its cells is a value (a number or date) or occurs again below in the same column.
    """
    first, rest = records[0], records[1:]
    if any(looks_like_value(cell) for cell in first):
        return _are_years(first) and bool(rest)
    if not rest or _surely_header(records):
        return True
    columns = [{row[i] for row in rest if len(row) > i} for i in range(len(first))]
    return not any(cell and cell in cells for cell, cells in zip(first, columns, strict=True))


def looks_like_value(cell: str) -> bool:
    """Answer whether a cell is a number, a date or a time rather than a name."""
    return bool(_VALUE.fullmatch(cell.strip()))


def _are_years(cells: Record) -> bool:
    """A table spread over years has names such as country, 2019, 2020."""
    values = [cell.strip() for cell in cells if looks_like_value(cell)]
    years = [int(v) for v in values if re.fullmatch(r"(19|20)\d\d", v)]
    return len(years) == len(values) < len(cells) and len(years) > 1 and years == sorted(set(years))


def _names(table: Sequence[Record], taken: int) -> tuple[list[str], list[str]]:
    """Return the columns' names; a header that is shorter than all rows by one is completed."""
    if not taken:
        names = [f"column_{n}" for n in range(1, len(table[0]) + 1)]
        return names, ["The file has no header line; columns are numbered."]
    first = _joined(table[:taken])
    notes: list[str] = []
    rows = table[taken:]
    if {len(record) for record in rows} == {len(first) + 1}:
        trailing = all(not record[-1] for record in rows)
        first = [*first, ""] if trailing else ["row", *first]
        notes.append(
            "Every line ends in a delimiter; the empty last column is kept."
            if trailing
            else "The header has one name less than the lines have fields; the first column is called 'row'."
        )
    names, changed = column_names(first)
    return names, notes + changed


def _joined(lines: Sequence[Record]) -> list[str]:
    """One name a column; a name that stands above several columns belongs to each of them."""
    width = max(map(len, lines))
    spread = [_spread([*line, *[""] * (width - len(line))]) for line in lines[:-1]]
    last = [*lines[-1], *[""] * (width - len(lines[-1]))]
    return [" ".join(dict.fromkeys(filter(None, map(str.strip, parts)))) for parts in zip(*spread, last, strict=True)]


def _spread(cells: list[str]) -> list[str]:
    held = ""
    return [held := cell or held for cell in cells]


def column_names(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return unique, non-empty names for header cells, and notes on what was changed."""
    wanted = [" ".join(cell.split()) or f"column_{position}" for position, cell in enumerate(cells, start=1)]
    taken, used, repeats = set(wanted), set[str](), Counter[str]()
    names: list[str] = []
    notes: list[str] = []
    for position, (cell, base) in enumerate(zip(cells, wanted, strict=True), start=1):
        name = base
        while name in used or (name != base and name in taken):
            repeats[base] += 1
            name = f"{base}_{repeats[base] + 1}"
        if not cell.strip():
            notes.append(f"Column {position} has no name; it is called {name!r}.")
        elif name != base:
            notes.append(f"Column {position} repeats the name {base!r}; it is called {name!r}.")
        used.add(name)
        names.append(name)
    return names, notes
