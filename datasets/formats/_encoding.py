"""Which encoding a file of text has, decided over its whole stream, and its text in UTF-8."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from datasets.errors import UnreadableFile
from datasets.formats._charsets import LEGACY, LINES, codec, plausible, score
from plugins.params import Param

AUTO = "detect"
NEWLINE = b"\n"
_RETURN, _LINE_FEED = 13, 10
CHUNK = 256 << 10  # stays in the processor's cache
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", *LEGACY, "latin-1")
CANDIDATES = ("utf-8", *LEGACY)
HEAD = 1 << 20
_FIRST, _EACH, _SAMPLE = 64 << 10, 2 << 10, 256 << 10  # bytes of lines that are scored
PARAM = Param("encoding", "choice", AUTO, "How the file's characters are written as bytes.", choices=(AUTO, *ENCODINGS))
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_MAGIC = (
    (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"), (b"GIF8", "a GIF image"), (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive (an Excel workbook is one too)"), (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"), (b"ARROW1", "an Arrow file"), (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"7z\xbc\xaf", "a 7-Zip archive"), (b"SQLite format 3", "a SQLite database"), (b"\x7fELF", "a program"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """A file of UTF-8 text, the encoding that it had, and the byte at which the text starts.

    Unless `checked`, only its first MiB is known to be UTF-8, with line ends of the usual kinds.
    """

    path: Path
    encoding: str
    start: int
    checked: bool = True


def as_utf8(source: Path, workdir: Path, wanted: str, *, trusting: bool = False) -> Text:
    """Return the file's text in UTF-8, written to `workdir` where it is in another encoding.

    trusting: a file that begins as UTF-8 is taken for it. The caller reads all of it anyway, and checks it then.
    """
    with source.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise UnreadableFile(
            "empty_file", "The file is empty.", "Choose a file that has a header line and at least one row."
        )
    refuse_binary(head)
    refuse_markup(head)
    if trusting and wanted in (AUTO, "utf-8") and _begins_well(head):
        return Text(source, "utf-8", byte_order_mark(head)[1], checked=False)
    encoding = detect(source, head[:4096]) if wanted == AUTO else wanted
    marked, skip = byte_order_mark(head)
    skip = skip if marked == encoding else 0
    if encoding == "utf-8" and wanted != AUTO and not is_utf8(source):
        raise UnreadableFile(
            "wrong_encoding", "The file is not valid utf-8 throughout.", "Leave the encoding to be detected."
        )
    # Old Macintosh programs end lines with \r alone.
    lone_returns = b"\r" in head and b"\n" not in head
    path = source
    if encoding != "utf-8" or lone_returns:
        path = workdir / "text.utf8"
        to_utf8(source, path, encoding, skip=skip, lone_returns=lone_returns)
        skip = 0
    refuse_nul(path)
    return Text(path, encoding, skip)


def _begins_well(head: bytes) -> bool:
    whole = head[: _last_start(head)].removesuffix(b"\r")
    return b"\0" not in head and b"\n" in head and not has_lone_return(whole, len(whole)) and valid_utf8(whole)


def has_lone_return(data: bytes, length: int) -> bool:
    """Answer whether a carriage return among so many bytes stands without a line feed."""
    if data.find(b"\r", 0, length) < 0:
        return False
    import numpy as np

    signs = np.frombuffer(data, np.uint8, length)
    returns = signs == _RETURN
    return bool(returns[-1] or (returns[:-1] & (signs[1:] != _LINE_FEED)).any())


def chunks(path: Path, size: int = CHUNK) -> Iterator[bytes]:
    """Yield the file's bytes, `size` at a time."""
    with path.open("rb") as file:
        while chunk := file.read(size):
            yield chunk


def refuse_binary(head: bytes) -> None:
    """Raise UnreadableFile when the first bytes are those of a known binary format."""
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise UnreadableFile(
                "binary_file",
                f"This is {what}, not a text file.",
                "Export the table as CSV (UTF-8) and upload that file.",
            )


def refuse_markup(head: bytes) -> None:
    """Raise UnreadableFile for a web page or XML, which some programs save under the name of a table."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<table", b"<head", b"<body")):
        raise UnreadableFile(
            "markup_file",
            "This is a web page or XML, not a table.",
            "Open it in a spreadsheet program, save it as .xlsx or CSV, and upload that file.",
        )


def byte_order_mark(head: bytes) -> tuple[str, int]:
    """Return the encoding that a byte order mark names, and the mark's length; ("", 0) without one."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    return "", 0


def detect(path: Path, head: bytes) -> str:
    """Return the encoding of the whole file: UTF-8 if every byte of it is, else a mark's, else the best scored.

    Raises UnreadableFile where the file is in one encoding but for some lines.
    """
    marked, _ = byte_order_mark(head)
    if marked in ("utf-16-le", "utf-16-be"):
        return marked
    if wide := _utf16_without_mark(head):
        return wide
    if is_utf8(path):
        return "utf-8"
    lines = _odd_lines(path)
    best = max(CANDIDATES, key=lambda encoding: _score(encoding, lines))
    if decodes(path, best):
        return best
    if best == "windows-1252":  # which leaves five bytes without a meaning
        return "latin-1"
    raise UnreadableFile(
        "wrong_encoding",
        f"The file is {best}, but line {_first_odd(path, best):,} is not.",
        "Mend that line, or choose an encoding, and import it again.",
    )


def _score(encoding: str, lines: list[bytes]) -> float:
    """UTF-8 does not come about by chance: the share of lines that are UTF-8 says it."""
    if encoding == "utf-8":
        return sum(map(valid_utf8, lines)) / len(lines)
    return score(encoding, lines)


def _odd_lines(path: Path) -> list[bytes]:
    """Lines that are not ASCII: the first of them, then a few of each further part of the file."""
    found: list[bytes] = []
    size, rest = 0, b""
    for chunk in chunks(path):
        text = rest + chunk
        cut = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
        rest = text[cut:] if cut else b""
        if (text := text[:cut] or text).isascii():
            continue
        most = _FIRST if size < _FIRST else _EACH
        for taken in LINES.findall(text):
            found.append(taken)
            size += len(taken)
            most -= len(taken)
            if most < 0:
                break
        if size > _SAMPLE:
            return found
    return found + LINES.findall(rest)


def _first_odd(path: Path, encoding: str) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(codec(encoding))
            except UnicodeDecodeError:
                return number
    return 0


def refuse_nul(path: Path) -> None:
    """Raise UnreadableFile with the line of the first NUL byte, if there is one."""
    for number, chunk in enumerate(chunks(path)):
        at = chunk.find(b"\0")
        if at >= 0:
            before = sum(earlier.count(NEWLINE) for earlier in islice(chunks(path), number))
            raise not_text(before + chunk.count(NEWLINE, 0, at) + 1)


def not_text(line: int) -> UnreadableFile:
    """The refusal of a NUL byte."""
    return UnreadableFile(
        "binary_file",
        f"Line {line} holds a NUL byte, so this is not a text file.",
        "Export the table as CSV (UTF-8) and upload that file.",
    )


def is_utf8(path: Path) -> bool:
    """Answer whether every byte of the file is valid UTF-8, some ten times as fast as decoding it."""
    rest = b""
    for chunk in chunks(path):
        whole = rest + chunk
        end = _last_start(whole)
        rest = whole[end:]
        if not valid_utf8(whole[:end]):
            return False
    return valid_utf8(rest)


def _last_start(data: bytes) -> int:
    """Where the last character begins, which may go on in the next chunk; the end after an ASCII character."""
    for back in range(1, min(4, len(data)) + 1):
        if data[-back] < 0x80:
            break
        if data[-back] >= 0xC0:
            return len(data) - back
    return len(data)


def valid_utf8(data: bytes, length: int | None = None) -> bool:
    """Answer whether the bytes, or the first so many, are whole characters of UTF-8; ten times as fast as decoding them."""
    import pyarrow as pa

    if data.isascii():
        return True
    offsets = pa.py_buffer(struct.pack("<qq", 0, len(data) if length is None else length))
    array = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        array.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def decodes(path: Path, encoding: str) -> bool:
    """Answer whether every byte of the file is valid in the encoding."""
    decoder = codecs.getincrementaldecoder(codec(encoding))()
    try:
        for chunk in chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def to_utf8(path: Path, target: Path, encoding: str, *, skip: int, lone_returns: bool) -> None:
    """Write the file's text after `skip` bytes to `target` as UTF-8; `lone_returns` become line feeds."""
    decoder = codecs.getincrementaldecoder(codec(encoding))()

    def encoded(text: str) -> bytes:
        return (text.replace("\r", "\n") if lone_returns else text).encode()

    with target.open("wb") as out:
        try:
            for number, chunk in enumerate(chunks(path)):
                out.write(encoded(decoder.decode(chunk[skip:] if number == 0 else chunk)))
            out.write(encoded(decoder.decode(b"", final=True)))
        except (UnicodeDecodeError, UnicodeEncodeError):
            raise UnreadableFile(
                "wrong_encoding",
                f"The file is not valid {encoding} throughout.",
                "Choose another encoding, or leave it to be detected.",
            ) from None


def _utf16_without_mark(head: bytes) -> str:
    """Text in UTF-16 has NULs in every other byte: of Latin letters, or at least of delimiters and line ends."""
    whole = head[: len(head) // 2 * 2]
    even, odd = whole[0::2].count(0), whole[1::2].count(0)
    if max(even, odd) < 2 or min(even, odd) > 0.5 * max(even, odd):
        return ""
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    text = codecs.getincrementaldecoder(encoding)("replace").decode(whole)
    return encoding if plausible(text) and "\ufffd" not in text else ""
