"""What the workbook library leaves out of an .xlsx sheet, read from the sheet's own XML."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

_CHUNK = 4 << 20
_MOST = 100_000  # cells that are remembered
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_RELATION = re.compile(r"\{.*\}id")
_ERROR = re.compile(rb'<c\b([^>]*\bt="e"[^>]*)>(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)?<v>([^<]*)</v>')
_LONG = re.compile(rb"<c\b([^>]*)>(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)?<v>(-?\d{16,40})</v>")
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')


@dataclass(slots=True)
class Remarks:
    """`texts` {(row, column): text}, from 0, of long whole numbers; `errors` names cells such as D7 and their error."""

    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)


def remarks(source: Path, sheet: str) -> Remarks:
    """Find the cells with an error, and the whole numbers of 16 digits and more, in one sheet; nothing in other formats."""
    found = Remarks()
    if not zipfile.is_zipfile(source):
        return found
    with zipfile.ZipFile(source) as archive:
        if part := _part(archive, sheet):
            for text in _pieces(archive, part):
                _look(text, found)
    return found


def _look(text: bytes, found: Remarks) -> None:
    if b't="e"' in text:
        for attributes, shown in _ERROR.findall(text):
            place = _PLACE.search(attributes)
            if place and len(found.errors) < _MOST:
                found.errors.append(((place[1] + place[2]).decode(), shown.decode()))
    for attributes, digits in _LONG.findall(text):
        place = _PLACE.search(attributes)
        if place and b't="' not in attributes.replace(b't="n"', b"") and len(found.texts) < _MOST:
            found.texts[_position(place)] = digits.decode()


def _position(place: re.Match[bytes]) -> tuple[int, int]:
    column = 0
    for letter in place[1]:
        column = column * 26 + letter - ord("A") + 1
    return int(place[2]) - 1, column - 1


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """The path of a sheet's XML inside the archive; "" where this is not an .xlsx."""
    try:  # entities were refused before the workbook was opened
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    except (KeyError, ElementTree.ParseError):
        return ""
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    for each in (*book.iter(f"{_MAIN}sheet"), *book.iter(f"{_STRICT}sheet")):
        if each.get("name") == sheet:
            wanted = next((value for key, value in each.attrib.items() if _RELATION.fullmatch(key)), None)
            part = posixpath.normpath(posixpath.join("/xl", targets.get(wanted, ""))).lstrip("/")
            return part if part in archive.namelist() else ""
    return ""


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The part's XML, cut after whole rows."""
    rest = b""
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            text = rest + chunk
            end = text.rfind(b"</row>") + 1
            yield text[:end]
            rest = text[end:][-_CHUNK:]
    yield rest
