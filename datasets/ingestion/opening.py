"""From a file and its options to an open table: which format it is, what the options mean, what it is packed in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.errors import UnreadableFile
from datasets.formats import _archives
from datasets.formats._base import Format, TextTable
from datasets.ingestion.inference import DATES, DECIMAL
from datasets.ingestion.readings import MISSING
from datasets.schema import TYPES
from plugins.params import Param, ParamError, validate_params
from plugins.registry import Registry

FORMATS: Registry[Format] = Registry("datasets.formats", "FORMAT")
PLAIN = "csv"  # what a file is taken for that no other format claims
ARCHIVES = (".gz", ".zip")
# Options of the typing layer; those of the text layer are the format's.
COMMON = (
    Param("dates", "choice", "detect", "Which comes first in dates such as 01/02/2024.", choices=tuple(DATES)),
    Param(
        "apostrophes",
        "choice",
        "keep",
        "Whether to take off the apostrophe that a download puts before what looks like a formula.",
        choices=("keep", "remove"),
    ),
    Param(
        "misfits",
        "choice",
        "quarantine",
        "What to do with a few cells that do not fit a column's type: list them and leave them out, or keep all as text.",
        choices=("quarantine", "text"),
    ),
    Param("decimal", "choice", "detect", "The decimal sign, where 1,234 could be either.", choices=tuple(DECIMAL)),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file opened as a table: its format, its text layer, and the complete options of the typing layer."""

    format: Format
    table: TextTable
    given: dict[str, Any]


def open_table(source: Path, workdir: Path, *, filename: str, options: dict[str, Any]) -> Opened:
    """Open `source`, unpacked where it is packed. Raises UnreadableFile."""
    file = _archives.unpack(source, workdir, filename)
    named = str(options.get("format") or "")
    fmt = choose_format(file.path, file.filename, named)
    notes = [*file.notes, *([] if named else _surprise(fmt, file.filename))]
    try:
        given = _checked(_understood(options, fmt, file.filename), fmt)
    except ParamError as error:  # an archive shows only now what it holds
        hint, field = "Change it, and import the file again.", f"options.{error.field}"
        raise UnreadableFile("bad_option", f"The option {error}.", hint, field=field) from None
    table = fmt.open(file.path, workdir, given["text"])
    table.notes[:0] = notes
    for name, wanted in given["types"].items():
        if table.typed.get(name) == "text" != wanted:
            del table.typed[name]  # text that somebody wants to be read as something
    return Opened(fmt, table, given)


def params_for(name: str) -> tuple[Param, ...]:
    """The options with which a format is read: its own, and those of the typing layer."""
    return (*FORMATS[name].params, *COMMON)


def likely_formats(filename: str) -> list[Format]:
    """The formats that a file of this name may have, the likeliest first; an archive may hold any."""
    path = Path(filename)
    if path.suffix.lower() == ".gz":
        path = path.with_suffix("")
    if path.suffix.lower() in ARCHIVES:
        return sorted(FORMATS, key=lambda fmt: fmt.name != PLAIN)
    return [next((fmt for fmt in FORMATS if path.suffix.lower() in fmt.suffixes), FORMATS[PLAIN])]


def check_options(options: dict[str, Any], filename: str) -> dict[str, Any]:
    """Return the options of both layers, complete; raise ParamError for one that is unknown or refused."""
    name = str(options.get("format") or "")
    if name and name not in FORMATS:
        raise ParamError("format", f"got {name!r}; expected one of {', '.join(FORMATS.names())}")
    likely = [FORMATS[name]] if name else likely_formats(filename)
    refused: ParamError | None = None
    for fmt in likely:
        try:
            return _checked(options, fmt)
        except ParamError as error:
            refused = refused or error
    assert refused is not None
    raise refused


def _checked(options: dict[str, Any], fmt: Format) -> dict[str, Any]:
    rest = dict(options)
    name = rest.pop("format", "") or ""
    types, missing = rest.pop("types", {}), rest.pop("missing", list(MISSING))
    if not isinstance(types, dict) or not all(kind in TYPES for kind in types.values()):
        raise ParamError("types", f"expected an object of column names and types ({', '.join(TYPES)})")
    if not isinstance(missing, list) or not all(isinstance(m, str) for m in missing) or len(missing) > 100:
        raise ParamError("missing", "expected a list of at most 100 texts")
    common = validate_params(COMMON, {p.name: rest.pop(p.name) for p in COMMON if p.name in rest})
    text = validate_params(fmt.params, rest)
    fmt.check(text)
    return {"format": name, "types": types, "missing": missing, **common, "text": text}


def _understood(options: dict[str, Any], fmt: Format, filename: str) -> dict[str, Any]:
    """The options without those that belong to the format that the file's name promised and its content is not."""
    known = {param.name for param in fmt.params}
    foreign = {param.name for other in likely_formats(filename) for param in other.params} - known
    return {name: value for name, value in options.items() if name not in foreign}


def choose_format(source: Path, filename: str, name: str = "") -> Format:
    """Return the named format, or the one that the file's first bytes and its ending speak for.

    A format with bytes of its own is known by them, whatever the file is called.
    """
    if name:
        if name not in FORMATS:
            raise ParamError("format", f"got {name!r}; expected one of {', '.join(FORMATS.names())}")
        return FORMATS[name]
    with source.open("rb") as file:
        head = file.read(4096)
    likely = likely_formats(filename)[0]
    candidates = [likely, *(fmt for fmt in FORMATS if fmt is not likely)]
    found = next((fmt for fmt in candidates if fmt.name != PLAIN and fmt.recognise(head)), None)
    promised = b"\0" in head or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{"))
    return found or (likely if promised else FORMATS[PLAIN])


def _surprise(fmt: Format, filename: str) -> list[str]:
    suffix = Path(filename).suffix.lower()
    promised = next((other for other in FORMATS if suffix in other.suffixes), None)
    if promised is None or promised is fmt:
        return []
    return [f"The file's name ends in {suffix}, but its content is {fmt.label}; it was read as that."]
