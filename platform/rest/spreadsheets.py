"""A spreadsheet must not take a cell of a download for a formula.

A text that a spreadsheet would run (= + - @, tab or return first) gets an apostrophe before it, and so does one that
begins with such an apostrophe already, so that it can be taken off again without loss.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

RISKY = r"^'*[=+\-@\t\r]"


def defused(text: str) -> str:
    """Return text that a spreadsheet shows instead of running."""
    bare = text.lstrip("'")
    return f"'{text}" if bare and bare[0] in "=+-@\t\r" else text


def undefused(text: str) -> str:
    """Return what `defused` was given."""
    return text[1:] if text.startswith("'") and defused(text) != text else text


def csv_line(cells: Iterable[str]) -> bytes:
    """Return one line of CSV in UTF-8; the cells are written as they are."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()
