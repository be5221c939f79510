"""How a text table is laid out: delimiter, header, names. Decided on its first lines, always open to an override."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
# A comma also stands inside numbers and sentences; at equal evidence the rarer signs win.
_PREFERENCE = ("\t", ";", "|", ",")
_VALUE = re.compile(r"[-+]?(\d[\d.,:/\-T Z]*)?\d([eE][-+]?\d+)?%?")
_SAMPLE_LINES = 200


def sample_records(text: str, delimiter: str, escape: str | None = None) -> list[list[str]]:
    """Return the first records of the text, without the blank ones; an unfinished quote ends the sample."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.reader(
        text.splitlines(keepends=True), delimiter=delimiter, escapechar=escape, doublequote=escape is None
    )
    records: list[list[str]] = []
    try:
        for record in reader:
            if record:
                records.append(record)
            if len(records) >= _SAMPLE_LINES:
                break
    except csv.Error:
        pass
    return records


def detect_delimiter(text: str) -> str:
    """Return the delimiter under which most lines have the same number of fields, above one."""
    scores = {sign: _consistency(text, sign) for sign in _PREFERENCE}
    best = max(_PREFERENCE, key=lambda sign: scores[sign])
    return best if scores[best] > 0 else ","


def _consistency(text: str, delimiter: str) -> float:
    widths = Counter(len(record) for record in sample_records(text, delimiter))
    if not widths:
        return 0.0
    width, lines = widths.most_common(1)[0]
    return lines / widths.total() if width > 1 else 0.0


def detect_header(records: Sequence[Sequence[str]]) -> bool:
    """Answer whether the first record names the columns.

    It does unless one of its cells is a value (a number or date) or occurs again below in the same column.
    """
    first, rest = records[0], records[1:]
    if any(_looks_like_value(cell) for cell in first):
        return _are_years(first) and bool(rest)
    if not rest:
        return True
    columns = [[row[i] for row in rest if len(row) > i] for i in range(len(first))]
    if any(cells and all(_looks_like_value(c) for c in cells if c) and any(cells) for cells in columns):
        return True
    return not any(cell and cell in cells for cell, cells in zip(first, columns, strict=True))


def _looks_like_value(cell: str) -> bool:
    return bool(_VALUE.fullmatch(cell.strip()))


def _are_years(cells: Sequence[str]) -> bool:
    """A table spread over years has names such as country, 2019, 2020."""
    values = [cell.strip() for cell in cells if _looks_like_value(cell)]
    years = [int(v) for v in values if re.fullmatch(r"(19|20)\d\d", v)]
    return len(years) == len(values) < len(cells) and len(years) > 1 and years == sorted(set(years))


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
