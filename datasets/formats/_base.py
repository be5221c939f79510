"""What a file format is: a declaration, and a way from a file to blocks of text cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.params import Param

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that does not fit the table: the physical line on which it starts (from 1), why, and its text."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a table as it was read.

    `cells` has one column per column of the table: strings, where every cell is the file's text and nothing is
    interpreted; for the columns that `TextTable.typed` names, values of that type. A null is no value.
    `lines()` gives the physical line (or the sheet's row) on which each row of `cells` starts, where the file has such.
    """

    cells: pa.Table
    rejects: list[Reject]
    blank_lines: int = 0
    lines: Callable[[], Sequence[int]] | None = None


@dataclass(slots=True)
class TextTable:
    """A file opened as text cells.

    `blocks()` yields loaders in the order of the file; a loader may be called on any thread and returns one Block.
    It can be called again to read the file from the start. `size` counts the blocks where that is known.
    `typed` gives the type of each column that the file itself types (one of schema.TYPES, stored as
    `schema.arrow_schema` says); those values are taken as they are, and no spelling means a missing value there.
    `choices` lists what an option can be for this very file, such as the names of its sheets.
    """

    columns: list[str]
    blocks: Callable[[], Iterator[Callable[[], Block]]]
    options: dict[str, Any]
    size: int | None = None
    notes: list[str] = field(default_factory=list)
    typed: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    `recognise(head)` answers whether the first 4 KiB of a file look like it. `open(source, workdir, options)` returns
    a TextTable or raises UnreadableFile; `workdir` may hold temporary files, `options` are validated `params`.
    `check(options)` raises ParamError where they contradict each other. `head(beginning)`
    makes the first bytes of a file of text a file by itself; it is empty where nothing is complete.
    """

    name: str
    label: str
    suffixes: tuple[str, ...]
    params: tuple[Param, ...]
    recognise: Callable[[bytes], bool]
    open: Callable[[Path, Path, dict[str, Any]], TextTable]
    check: Callable[[Mapping[str, Any]], None] = lambda options: None
    head: Callable[[bytes], bytes] | None = None
