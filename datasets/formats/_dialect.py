"""How the records of a text table are divided into fields. Decided on its first lines, always open to an override."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
# A comma also stands inside numbers and sentences; at equal evidence the rarer signs win.
_PREFERENCE = ("\t", ";", "|", ",")
_SAMPLE_LINES = 200


def sample_records(text: str, delimiter: str, escape: str | None = None) -> tuple[list[int], list[list[str]]]:
    """Return the first records of the text without the blank ones, and the line on which each begins.

    An unfinished quote ends the sample.
    """
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, escapechar=escape, doublequote=escape is None
    )
    lines: list[int] = []
    records: list[list[str]] = []
    line = 1
    try:
        for record in reader:
            if record:
                lines.append(line)
                records.append(record)
            line = reader.line_num + 1
            if len(records) >= _SAMPLE_LINES:
                break
    except csv.Error:
        pass
    return lines, records


def announced(text: str) -> str:
    """The delimiter that a first line such as `sep=;` names, as Excel writes it; "" without one."""
    return text[4] if re.match("sep=.\r?\n", text) else ""


def detect_delimiter(text: str) -> str:
    """Return the delimiter under which most lines have the same number of fields, above one."""
    scores = {sign: _consistency(text, sign) for sign in _PREFERENCE}
    best = max(_PREFERENCE, key=lambda sign: scores[sign])
    return best if scores[best] > 0 else ","


def _consistency(text: str, delimiter: str) -> float:
    """The share of lines that have the most frequent number of fields above one."""
    widths = Counter(len(record) for record in sample_records(text, delimiter)[1])
    several = [lines for width, lines in widths.items() if width > 1]
    return max(several) / widths.total() if several else 0.0
