"""Cutting a file of delimited text into blocks that can be parsed apart from each other.

A quote opens a field only after a delimiter or a line end, and closes it only before one. While that holds, the
parity of the quotes so far says whether a line end is inside a field, and whole blocks are checked with array
operations. Where it does not hold, the caller reads record by record.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from datasets.errors import UnreadableFile
from datasets.formats import _encoding, _returns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BLOCK = 2 << 20  # the cells of larger blocks leave the processor's cache; smaller ones cost more calls than work
FIRST = 16  # so much smaller is the first block: every reading is tried on it, and the others wait for it
MAX_LINE = 16 << 20
LARGE = 16 << 20  # bytes of text from which on two threads survey it
_PIECE = 256 << 10  # so much is compared at a time, that what it is compared into stays in the processor's cache
_QUOTE, _NEWLINE, _RETURN = 34, 10, 13


class IrregularQuotes(Exception):
    """A quote stands where the plain rule does not allow one."""


class NotAsItBegan(Exception):
    """Further down, the text is no UTF-8, or has line ends that it did not have in the beginning."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of whole records: bytes [start, stop) of the file, its first physical line, and how many it has."""

    start: int
    stop: int
    line: int
    lines: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """How a text is to be cut into spans of about `size` bytes; the first one has fewer.

    All that must be known of the text before it is parsed is found in one pass over it. Raises IrregularQuotes,
    UnreadableFile for a line of more than 16 MiB, and for text that was not `checked` before NotAsItBegan, or
    UnreadableFile for a NUL byte.
    """

    path: Path
    delimiter: str
    size: int
    checked: bool = False

    def spans(self, start: int, line: int) -> list[Span]:
        """The spans from byte `start`, which is the beginning of physical line `line`."""
        end = self.path.stat().st_size
        middle = _line_after(self.path, (start + end) // 2) if end - start > LARGE else end
        if middle >= end:
            return list(self._between(start, end, line))
        with ThreadPoolExecutor(1) as pool:
            rest = pool.submit(lambda: list(self._between(middle, end, 0)))
            try:
                first = list(self._between(start, middle, line))
                lines = first[-1].line + first[-1].lines
                return [*first, *(replace(span, line=span.line + lines) for span in rest.result())]
            except (IrregularQuotes, UnreadableFile):  # the middle may be inside quotes; and lines must be right
                return list(self._between(start, end, line))

    def _between(self, start: int, end: int, line: int) -> Iterator[Span]:
        wanted = max(1, self.size // FIRST)
        with self.path.open("rb") as file:
            while start < end:
                file.seek(start)
                data, length, quoted = _next_records(file, end - start, self.delimiter, wanted)
                if not length:
                    raise too_long(line)
                if not self.checked:
                    _check(data, length, line)
                span = Span(start, start + length, line, _count_lines(data, length), quoted)
                yield span
                line += span.lines
                start, wanted = span.stop, self.size


def _line_after(path: Path, position: int) -> int:
    """Where the first line begins that comes after a position."""
    with path.open("rb") as file:
        file.seek(position)
        file.readline(MAX_LINE)
        return file.tell()


def read(path: Path, span: Span) -> bytes:
    """Return the bytes of a span."""
    with path.open("rb") as file:
        file.seek(span.start)
        return file.read(span.stop - span.start)


def _next_records(file: BinaryIO, left: int, delimiter: str, size: int) -> tuple[bytes, int, bool]:
    """Return about `size` bytes, how many of them are whole records (0 if the first is too long), and if they are quoted."""
    data = b""
    while True:
        data += file.read(min(size, left) - len(data))
        length, quoted = _whole_records(data, len(data) >= left, delimiter)
        if length:
            return data, length, quoted
        if len(data) >= MAX_LINE:
            if b'"' in data:
                raise IrregularQuotes
            return data, 0, False
        size *= 2


def check(path: Path) -> None:
    """Refuse a file that is no UTF-8 text with the usual line ends."""
    for chunk, after in _returns.chunks(path):
        if _returns.alone(chunk, after):
            raise NotAsItBegan
    if not _encoding.is_utf8(path):
        raise NotAsItBegan
    _encoding.refuse_nul(path)


def _check(data: bytes, length: int, line: int) -> None:
    if not _encoding.valid_utf8(data, length) or _encoding.has_lone_return(data, length):
        raise NotAsItBegan
    if (at := data.find(b"\0", 0, length)) >= 0:
        raise _encoding.not_text(line + data.count(b"\n", 0, at))


def _count_lines(data: bytes, length: int) -> int:
    import numpy as np

    signs = np.frombuffer(data, np.uint8, length)
    ends = sum(int(np.count_nonzero(signs[at : at + _PIECE] == _NEWLINE)) for at in range(0, length, _PIECE))
    return ends if data[length - 1] == _NEWLINE else ends + 1


def too_long(line: int) -> UnreadableFile:
    """The refusal of a line that no table has."""
    return UnreadableFile(
        "line_too_long",
        f"Line {line} goes on for more than {MAX_LINE >> 20} MiB.",
        "Check that the file is a table with one record a line, and that every quote is closed.",
    )


def _whole_records(data: bytes, last: bool, delimiter: str) -> tuple[int, bool]:
    """Return how many bytes of `data` are whole records (0 if none is), and whether they hold quotes."""
    if data.find(b'"') < 0:
        return (len(data) if last else data.rfind(b"\n") + 1), False
    import numpy as np

    array = np.frombuffer(data, np.uint8)
    pieces = range(0, len(array), _PIECE)
    quotes = np.concatenate([np.flatnonzero(array[at : at + _PIECE] == _QUOTE) + at for at in pieces])
    if last and len(quotes) % 2:
        raise IrregularQuotes
    length = len(data) if last else _last_free_newline(data, quotes) + 1
    kept = quotes[quotes < length]
    if not _regular(array, kept, delimiter):
        raise IrregularQuotes
    return length, len(kept) > 0


def _last_free_newline(data: bytes, quotes: npt.NDArray[np.int64]) -> int:
    """The position of the last line end outside quotes; -1 without one."""
    import numpy as np

    position = data.rfind(b"\n")
    while position >= 0 and (before := int(np.searchsorted(quotes, position))) % 2:
        position = data.rfind(b"\n", 0, int(quotes[before - 1]))
    return position


def _regular(array: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64], delimiter: str) -> bool:
    """Answer whether every opening quote follows, and every closing quote precedes, a delimiter or a line end."""
    import numpy as np

    before = array[quotes[0::2] - 1]
    opens = (before == ord(delimiter)) | (before == _NEWLINE) | (before == _QUOTE) | (quotes[0::2] == 0)
    after = array[np.minimum(quotes[1::2] + 1, len(array) - 1)]
    closing = np.zeros(256, bool)
    closing[[ord(delimiter), _NEWLINE, _RETURN, _QUOTE]] = True
    closes = closing[after] | (quotes[1::2] + 1 == len(array))
    return bool(opens.all() and closes.all())


def record_lines(data: bytes, first: int, *, blank: bool = False) -> tuple[list[int], int]:
    """Return the physical line (counted from `first`) of each record of regular text, and how many lines are blank.

    `blank`: an empty line is a record too.
    """
    lines: list[int] = []
    inside, skipped = False, 0
    for number, text in enumerate(data.removesuffix(b"\n").split(b"\n"), start=first):
        if not inside and (blank or text.strip(b"\r")):
            lines.append(number)
        elif not inside:
            skipped += 1
        inside ^= text.count(b'"') % 2 == 1
    return lines, skipped
