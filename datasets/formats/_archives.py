"""Archives: a table packed with gzip or zip is unpacked first, and what would not end is refused before it is unpacked."""

from __future__ import annotations

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from datasets.errors import UnreadableFile

MAX_BYTES = 16 << 30  # of what an archive holds
MAX_XML = 3 << 29  # of a workbook's parts, which are read into memory: 1.5 GiB
MAX_RATIO = 200  # of what an archive holds to its own size
_SMALL = 64 << 20  # below this, no ratio is suspicious
_RESERVE = 1 << 30  # of the disk, for what is made of the file
_CHUNK = 1 << 20
ZIP, EMPTY_ZIP, GZIP = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"
_NESTED = (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz", ".zst")
_WORKBOOK = ("xl/workbook.xml", "xl/workbook.bin", "content.xml", "mimetype", "[Content_Types].xml")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A table's own file, its name, and what to tell about the archive."""

    path: Path
    filename: str
    notes: list[str]


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def unpack(source: Path, workdir: Path, filename: str, most: Callable[[str], int | None] | None = None) -> Unpacked:
    """Return the one table inside a gzip or zip archive, unpacked into `workdir`; the file itself if it is none.

    `most(name)` says how many bytes of a table of that name are enough, for who wants only its beginning.
    """
    with source.open("rb") as file:
        head = file.read(4)
    if head.startswith(GZIP):
        return _from_gzip(source, workdir, filename, most)
    if head.startswith((ZIP, EMPTY_ZIP)) and zipfile.is_zipfile(source):
        return _from_zip(source, workdir, filename, most)
    return Unpacked(source, filename, [])


def _from_gzip(source: Path, workdir: Path, filename: str, most: Callable[[str], int | None] | None) -> Unpacked:
    name = filename[:-3] if filename.lower().endswith(".gz") else filename
    if filename.lower().endswith((".tgz", ".tar.gz")):
        raise _nested(filename)
    target = workdir / "unpacked"
    try:
        with gzip.open(source) as packed:
            size = _pour(packed, target, source.stat().st_size, most and most(name))
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise _damaged("gzip") from None
    _refuse_nested(target, name)
    return Unpacked(target, name, [f"The file was unpacked with gzip ({size:,} bytes)."])


def _from_zip(source: Path, workdir: Path, filename: str, most: Callable[[str], int | None] | None) -> Unpacked:
    with _opened(source) as archive:
        parts = [part for part in archive.infolist() if not part.is_dir()]
        if {part.filename for part in parts} & set(_WORKBOOK):
            return Unpacked(source, filename, [])
        part = _only(parts)
        refuse_bomb(source)
        name = PurePosixPath(part.filename.replace("\\", "/")).name
        target = workdir / "unpacked"
        try:
            with archive.open(part) as packed:
                size = _pour(packed, target, source.stat().st_size, most and most(name))
        except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError):
            raise _damaged("zip") from None
    _refuse_nested(target, name)
    return Unpacked(target, name, [f"{name!r} was taken out of the zip archive ({size:,} bytes)."])


def _only(parts: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """The archive's one table; what programs of Apple add beside it does not count."""
    tables = [p for p in parts if not p.filename.startswith("__MACOSX/") and not p.filename.endswith(".DS_Store")]
    if len(tables) != 1:
        what = ", ".join(repr(p.filename[-80:]) for p in tables[:5]) + (", …" if len(tables) > 5 else "")
        raise UnreadableFile(
            "not_one_table",
            f"The zip archive holds {len(tables):,} files ({what})." if tables else "The zip archive is empty.",
            "Upload an archive that holds exactly one table, or each table by itself.",
        )
    if tables[0].flag_bits & 1:
        raise UnreadableFile(
            "encrypted_file", "The zip archive is protected by a password.", "Upload the table without a password."
        )
    return tables[0]


def refuse_bomb(source: Path, *, xml: bool = False) -> None:
    """Raise UnreadableFile for a zip archive that says it would become too large; `xml`: as the parts of a workbook.

    The sizes that it states may be false: whoever unpacks it counts as well.
    """
    if not zipfile.is_zipfile(source):
        return
    with _opened(source) as archive:
        parts = archive.infolist()
        size, most = sum(part.file_size for part in parts), MAX_XML if xml else MAX_BYTES
        _refuse_size(size, source.stat().st_size, most)
        if xml:
            _refuse_entities(archive, parts)


def _refuse_entities(archive: zipfile.ZipFile, parts: Iterable[zipfile.ZipInfo]) -> None:
    """No spreadsheet program declares entities in a workbook; who does, means harm."""
    for part in parts:
        if not part.filename.endswith((".xml", ".rels")):
            continue
        try:
            with archive.open(part) as file:
                head = file.read(4096)
        except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError):
            raise _damaged("zip") from None
        if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
            raise UnreadableFile(
                "xml_entities",
                f"The workbook's part {part.filename[-80:]!r} declares XML entities, which no workbook needs.",
                "Open the workbook in a spreadsheet program, save it anew and upload that file.",
            )


def _refuse_size(size: int, packed: int, most: int) -> None:
    if size > most:
        raise UnreadableFile(
            "archive_too_large",
            f"Unpacked, the file would have more than {most >> 20:,} MiB.",
            "Split the table into several files, or upload it as CSV.",
        )
    if size > _SMALL and size > MAX_RATIO * packed:
        raise UnreadableFile(
            "archive_bomb",
            f"Unpacked, the file would be more than {MAX_RATIO} times as large, as no table is.",
            "If it is a table after all, unpack it yourself and upload it unpacked.",
        )


def _pour(packed: _Readable, target: Path, size: int, enough: int | None = None) -> int:
    """Unpack to `target` and count; stop where the archive has become too large, or where it is enough."""
    most = min(MAX_BYTES, max(_SMALL, shutil.disk_usage(target.parent).free - _RESERVE))
    done = 0
    with target.open("wb") as out:
        while chunk := packed.read(_CHUNK):
            done += len(chunk)
            _refuse_size(done, size, most)
            out.write(chunk)
            if enough is not None and done >= enough:
                break
    return done


def _refuse_nested(target: Path, name: str) -> None:
    with target.open("rb") as file:
        head = file.read(4)
    workbook = head.startswith(ZIP) and zipfile.is_zipfile(target) and _is_workbook(target)
    if name.lower().endswith(_NESTED) or head.startswith(GZIP) or (head.startswith(ZIP) and not workbook):
        raise _nested(name)


def _is_workbook(source: Path) -> bool:
    with _opened(source) as archive:
        return bool(set(archive.namelist()) & set(_WORKBOOK))


def _nested(name: str) -> UnreadableFile:
    return UnreadableFile(
        "nested_archive",
        f"{name[-80:]!r} is an archive inside an archive.",
        "Unpack the outer archive, and upload the table itself.",
    )


def _damaged(kind: str) -> UnreadableFile:
    return UnreadableFile(
        "damaged_file", f"The {kind} archive is damaged or cut off.", "Pack the table again, or upload it unpacked."
    )


def _opened(source: Path) -> Any:
    try:
        return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise _damaged("zip") from None
