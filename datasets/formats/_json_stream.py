"""JSON read from a stream: one value after the other, with a bounded part of the file in memory, and nothing converted.

Numbers stay as they are written (`Written`), so that none loses a digit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from json.decoder import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any, TextIO

from datasets.errors import UnreadableFile

CHUNK = 1 << 20
MAX_VALUE = 64 << 20  # characters of one record
_BLANK = " \t\r\n"


class Written(str):
    """A number, as the file writes it."""

    __slots__ = ()


class Pairs(dict[str, Any]):
    """An object in which a key occurs twice; `twice` names it."""

    twice = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    double = Pairs(made)
    double.twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return double


_DECODER = JSONDecoder(
    object_pairs_hook=_object, parse_float=Written, parse_int=Written, parse_constant=Written, strict=False
)
scan: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once  # type: ignore[attr-defined]


def dumps(value: Any) -> str:
    """A value as JSON again, its numbers as they were written."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {dumps(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dumps, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Stream:
    """A window on the text of a file. `line` is the physical line at which the window's next sign stands."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.text, self.at, self.line, self.ended = "", 0, 1, False

    def peek(self) -> str:
        """The next sign that is not blank; "" at the end."""
        while True:
            while self.at < len(self.text):
                sign = self.text[self.at]
                if sign not in _BLANK:
                    return sign
                self.line += sign == "\n"
                self.at += 1
            if not self._more():
                return ""

    def take(self, *expected: str) -> str:
        """Step over the next sign, which must be one of these."""
        sign = self.peek()
        if sign not in expected:
            raise self.broken(f"there is {sign!r} where {' or '.join(map(repr, expected))} must stand" if sign else "")
        self.at += 1
        return sign

    def value(self) -> tuple[Any, str]:
        """The next value, and its text."""
        self.peek()
        while True:
            try:
                value, end = scan(self.text, self.at)
                if end < len(self.text) or not self._more():
                    break
            except (StopIteration, JSONDecodeError) as error:
                if not self._more():
                    raise self.broken(error.msg if isinstance(error, JSONDecodeError) else "") from None
            except RecursionError:
                raise too_deep(self.line) from None
        text = self.text[self.at : end]
        self.line += text.count("\n")
        self.at = end
        return value, text

    def items(self) -> Iterator[None]:
        """Stand before each item of the list that begins here, which whoever asks reads or skips."""
        self.take("[")
        if self.peek() == "]":
            self.at += 1
            return
        while True:
            yield
            if self.take(",", "]") == "]":
                return

    def members(self) -> Iterator[str]:
        """Stand before each value of the object that begins here, and name its key."""
        self.take("{")
        if self.peek() == "}":
            self.at += 1
            return
        while True:
            if self.peek() != '"':
                raise self.broken("a key must stand in quotes")
            key, _ = self.value()
            self.take(":")
            yield key
            if self.take(",", "}") == "}":
                return

    def skip(self) -> None:
        """Step over the next value, however long its list is."""
        if self.peek() == "[":
            for _ in self.items():
                self.value()
        else:
            self.value()

    def finish(self) -> None:
        """Nothing but blanks may follow."""
        if sign := self.peek():
            raise self.broken(f"after the end there is {sign!r}")

    def begins_list_of_objects(self) -> bool:
        """Answer whether the next value is a list whose first item is an object."""
        if self.peek() != "[":
            return False
        at = self.at + 1
        while True:
            rest = self.text[at:].lstrip(_BLANK)
            if rest or not self._more():
                return rest.startswith("{")
            at = self.at + 1

    def broken(self, what: str) -> UnreadableFile:
        """The refusal of what is not JSON."""
        cut = self.ended and not self.text[self.at :].strip()
        return UnreadableFile(
            "broken_json",
            f"Line {self.line}: "
            + ("the file ends before its JSON does." if cut else f"this is not JSON ({what or 'no value'})."),
            "Write the file again, or export the table as CSV.",
        )

    def _more(self) -> bool:
        """Read on; what was used before falls out of the window."""
        if self.ended:
            return False
        kept = self.text[self.at :]
        if len(kept) > MAX_VALUE:
            raise UnreadableFile(
                "line_too_long",
                f"A record that begins on line {self.line} goes on for more than {MAX_VALUE >> 20} MiB.",
                "Check that the file is a list of records, or name the list in the options.",
            )
        chunk = self.file.read(max(CHUNK, len(kept)))
        self.ended = not chunk
        self.text, self.at = kept + chunk, 0
        return bool(chunk)


def too_deep(line: int) -> UnreadableFile:
    """The refusal of values inside values inside values."""
    return UnreadableFile(
        "too_deep",
        f"The record on line {line} nests lists or objects deeper than any table does.",
        "Take the table out of the structure around it, and upload that.",
    )


def opened(path: Path, skip: int) -> TextIO:
    """Open UTF-8 text after a byte order mark of `skip` bytes; line ends stay as they are."""
    file = path.open(encoding="utf-8", newline="")
    file.read(1 if skip else 0)
    return file
