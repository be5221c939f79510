"""JSON: a list of objects, or an object that holds such a list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets.errors import UnreadableFile
from datasets.formats import _encoding, _heads, _objects, jsonl
from datasets.formats._base import Format, TextTable
from datasets.formats._json_stream import Stream, opened
from datasets.formats._objects import Record
from plugins.params import Param

RECORDS = Param(
    "records", "text", None,
    "The key under which the list of records stands, with dots between levels; left empty, the first list of objects.",
    label="Key of the list", optional=True,
)  # fmt: skip
_START = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\}|$)')


def recognise(head: bytes) -> bool:
    return bool(_START.match(head)) and not jsonl.several(head)


def open_json(source: Path, workdir: Path, options: dict[str, Any]) -> TextTable:
    """Open a JSON document; see formats._base.Format.open."""
    text = _encoding.as_utf8(source, workdir, options["encoding"])
    with opened(text.path, text.start) as file:
        document = _Document(Stream(file), options["records"] or "")
        try:
            table = _objects.open_objects(document.records(), workdir, options["depth"])
        except SeveralValues:
            return jsonl.open_lines(source, workdir, options)
    table.options = {"encoding": text.encoding, "records": document.found or None, **table.options}
    table.notes[:0] = document.notes()
    return table


class SeveralValues(Exception):
    """After the first object comes another: these are JSON Lines."""


class _Document:
    """Where in a document the records are. `found` is the key of their list, `others` what stands beside it."""

    def __init__(self, stream: Stream, wanted: str) -> None:
        self.stream, self.wanted, self.found = stream, wanted, ""
        self.others: list[str] = []

    def records(self) -> Iterator[Record]:
        """Yield the records of the list, wherever it is."""
        if self.stream.peek() == "{":
            yield from self._within("")
            if not self.found and self.stream.peek() == "{":
                raise SeveralValues
            if not self.found:
                raise self._none()
        else:
            yield from self._items()
        self.stream.finish()

    def notes(self) -> list[str]:
        if not self.others:
            return []
        beside = ", ".join(map(repr, self.others[:20]))
        return [f"The records under {self.found!r} were read; beside them the file has {beside}."]

    def _items(self) -> Iterator[Record]:
        for _ in self.stream.items():
            self.stream.peek()
            line = self.stream.line
            value, text = self.stream.value()
            yield line, value, text

    def _within(self, path: str) -> Iterator[Record]:
        """Look for the list among the values of an object."""
        for key in self.stream.members():
            here = f"{path}.{key}" if path else key
            if not self.found and self._is_it(here):
                self.found = here
                yield from self._items()
            elif not self.found and self.wanted.startswith(f"{here}.") and self.stream.peek() == "{":
                yield from self._within(here)
            else:
                self.others.append(here)
                self.stream.skip()

    def _is_it(self, here: str) -> bool:
        if self.wanted:
            return here == self.wanted and self.stream.peek() == "["
        return self.stream.begins_list_of_objects()

    def _none(self) -> UnreadableFile:
        wanted = f" under {self.wanted!r}" if self.wanted else ""
        return UnreadableFile(
            "no_records",
            f"The file is an object without a list of objects{wanted}; its keys are {', '.join(map(repr, self.others[:20]))}.",
            'Upload a list of objects, such as [{"name": "Ada"}], or name the key under which it stands.',
        )


FORMAT = Format(
    name="json",
    label="JSON",
    suffixes=(".json", ".geojson"),
    params=(_encoding.PARAM, RECORDS, _objects.DEPTH),
    recognise=recognise,
    open=open_json,
    head=_heads.json,
)
