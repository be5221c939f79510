"""JSON Lines: one object a line, also called NDJSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from json.decoder import JSONDecodeError
from pathlib import Path
from typing import Any

from datasets.formats import _encoding, _heads, _lines, _objects
from datasets.formats._base import Format, TextTable
from datasets.formats._json_stream import opened, scan, too_deep
from datasets.formats._objects import Record, Unfit

_START = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\})')
_TWO = re.compile(rb"\}[ \t]*\r?\n[ \t\r\n]*\{")


def recognise(head: bytes) -> bool:
    """An object that is alone on the first line."""
    return bool(_START.match(head)) and (several(head) or b"\n" not in head.strip())


def several(head: bytes) -> bool:
    """Answer whether one object follows another with nothing but a line end between them."""
    return bool(_TWO.search(head))


def open_lines(source: Path, workdir: Path, options: dict[str, Any]) -> TextTable:
    """Open JSON Lines; see formats._base.Format.open."""
    text = _encoding.as_utf8(source, workdir, options["encoding"])
    table = _objects.open_objects(_records(text.path, text.start), workdir, options["depth"])
    table.options = {"encoding": text.encoding, **table.options}
    return table


def _records(path: Path, start: int) -> Iterator[Record]:
    with opened(path, start) as file:
        number = 0
        while line := file.readline(_lines.MAX_LINE + 1):
            number += 1
            if len(line) > _lines.MAX_LINE:
                raise _lines.too_long(number)
            if text := line.strip():
                yield number, _value(text, number), text


def _value(text: str, number: int) -> Any:
    try:
        value, end = scan(text, 0)
    except (StopIteration, JSONDecodeError):
        return Unfit("is not JSON")
    except RecursionError:
        raise too_deep(number) from None
    return value if end == len(text) else Unfit("has more than one value")


FORMAT = Format(
    name="jsonl",
    label="JSON Lines",
    suffixes=(".jsonl", ".ndjson"),
    params=(_encoding.PARAM, _objects.DEPTH),
    recognise=recognise,
    open=open_lines,
    head=_heads.lines,
)
