"""The beginning of a file as a file by itself, for a preview that cannot wait for all of it."""

from __future__ import annotations

import re

_JSON = re.compile(rb'"(?:[^"\\]|\\.)*("|\\?\Z)|[\[\]{}]', re.DOTALL)


def lines(data: bytes) -> bytes:
    """The whole lines."""
    return data[: _line_end(data, len(data))]


def quoted_lines(data: bytes) -> bytes:
    """The whole lines, without half of a record whose quotes hold a line end."""
    end = _line_end(data, len(data))
    quotes = data.count(b'"', 0, end)
    while end and quotes % 2:
        before = _line_end(data, end - 1)
        quotes -= data.count(b'"', before, end)
        end = before
    return data[:end] or lines(data)  # quotes that are not closed anyway


def json(data: bytes) -> bytes:
    """The records that are complete, with the brackets around them closed."""
    awaited: list[bytes] = []
    end, around, depth = 0, b"", len(data)
    for found in _JSON.finditer(data):
        sign = found[0]
        if sign in b"[{":
            awaited.append(b"]" if sign == b"[" else b"}")
        elif sign in b"]}":
            if not awaited:
                break
            awaited.pop()
            # Of records in records, only the outer ones are complete.
            if awaited and awaited[-1] == b"]" and len(awaited) <= depth:
                end, around, depth = found.end(), b"".join(reversed(awaited)), len(awaited)
    return data[:end] + around


def _line_end(data: bytes, before: int) -> int:
    """The byte after the last line end; in UTF-16 a line end has a second byte, which belongs to it."""
    at = data.rfind(b"\n", 0, before) + 1
    return at + 1 if at and data[at : at + 1] == b"\0" else at
