"""One block of one column: from cells of text to values, by the readings that are still possible."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datasets.ingestion.readings import READINGS, also_fits
from datasets.ingestion.readings._bytes import Texts, number_led
from datasets.ingestion.readings.misfits import Misfits, set_aside
from datasets.schema import Schema, arrow_schema

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_SETTLED = 4  # so few readings are tried without a look at the first bytes
_LETTERED = ("true", "True", "TRUE")  # readings whose values begin with no digit


@dataclass(slots=True)
class ReadColumn:
    """What one block of a column became.

    `values` are of the first of `readings`, those that still fit; cells that do not are missing there, and `misfits`
    has them by reading. `missing` counts the spellings of missing values.
    """

    values: pa.Array
    readings: tuple[str, ...]
    missing: dict[str, int] = field(default_factory=dict)
    trimmed: bool = False
    misfits: dict[str, Misfits] = field(default_factory=dict)

    @property
    def set_aside(self) -> Misfits | None:
        """The cells that `values` leaves out."""
        return self.misfits.get(self.readings[0]) if self.readings else None

    @property
    def present(self) -> int:
        """How many cells hold anything."""
        aside = len(self.set_aside.rows) if self.set_aside else 0
        return int(len(self.values) - self.values.null_count + aside)


@dataclass(frozen=True, slots=True)
class Manner:
    """How cells are read: what means missing, whether a download's apostrophes go, whether misfits are set aside."""

    missing: pa.Array
    longest: int
    begins: npt.NDArray[np.bool_]  # by the first byte (NUL for none): whether a spelling of a missing value begins so
    bare: bool
    quarantine: bool

    @classmethod
    def of(cls, given: dict[str, Any]) -> Manner:
        """Make one from complete options."""
        import numpy as np
        import pyarrow as pa

        spellings = given["missing"]
        longest = max((len(spelling.encode()) for spelling in spellings), default=-1)
        begins = np.zeros(256, bool)
        begins[[(spelling.encode() or b"\0")[0] for spelling in spellings]] = True
        bare, quarantine = given["apostrophes"] == "remove", given["misfits"] == "quarantine"
        return cls(pa.array(spellings, pa.string()), longest, begins, bare, quarantine)


def take_column(cells: pa.Array, reading: str) -> ReadColumn:
    """Take one block of a column that the file itself types, in the type of a `given` reading."""
    import pyarrow.compute as pc

    kind = arrow_schema(Schema.of([("", READINGS[reading].type)])).field(0).type
    return ReadColumn(pc.cast(cells, kind), (reading,))


def read_column(cells: pa.Array, readings: tuple[str, ...], manner: Manner) -> ReadColumn:
    """Understand one block of a text column by the first of `readings` that fits all of it, or all but a few cells.

    All of `readings` come back for a block without a value, none for one that can only be text.
    """
    import pyarrow.compute as pc

    if readings and (found := _first(cells, readings)):
        return ReadColumn(*found)
    absent = _absent(cells, manner)
    spelled = _spellings(cells, absent)
    present = pc.if_else(absent, None, cells) if spelled else cells
    if not readings or present.null_count == len(cells):
        return ReadColumn(present, readings, spelled)
    if spelled and (found := _first(present, readings)):
        return ReadColumn(*found, spelled)
    return _trimmed(cells, readings, manner) or ReadColumn(present, (), spelled)


def _trimmed(cells: pa.Array, readings: tuple[str, ...], manner: Manner) -> ReadColumn | None:
    """Understand values without the spaces around them, for files that align their columns, or without misfits."""
    import pyarrow.compute as pc

    bare = pc.utf8_trim_whitespace(cells)
    padded = not bare.equals(cells)
    absent = _absent(bare, manner)
    present = pc.if_else(absent, None, bare)
    spelled = _spellings(bare, absent)
    if padded and (found := _first(present, readings)):
        return ReadColumn(*found, spelled, trimmed=True)
    if not manner.quarantine:
        return None
    values, misfits = set_aside(present, readings, cells)
    return ReadColumn(values, tuple(misfits), spelled, padded, misfits) if misfits else None


def _first(cells: pa.Array, readings: tuple[str, ...]) -> tuple[pa.Array, tuple[str, ...]] | None:
    if cells.null_count == len(cells):
        return cells, readings
    if len(readings) > _SETTLED and not number_led(Texts(cells)).all():
        readings = tuple(name for name in readings if name in _LETTERED)
    for position, name in enumerate(readings):
        values = READINGS[name].parse(cells)
        if values is not None:
            return values, (name, *also_fits(name, readings[position + 1 :], values, cells))
    return None


def _absent(cells: pa.Array, manner: Manner) -> pa.Array:
    """Which cells mean no value; only short ones with certain first bytes can."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not cells.null_count:
        texts = Texts(cells)
        short = np.flatnonzero(texts.lengths <= manner.longest)
        short = short[manner.begins[texts.first[short]]] if len(short) else short
        if 2 * len(short) < len(cells):
            found = np.zeros(len(cells), bool)
            found[short] = pc.is_in(cells.take(pa.array(short)), manner.missing).to_numpy(zero_copy_only=False)
            return pa.array(found)
    return pc.is_in(cells, manner.missing)


def _spellings(cells: pa.Array, absent: pa.Array) -> dict[str, int]:
    import pyarrow.compute as pc

    if not pc.any(absent).as_py():
        return {}
    return {item["values"]: item["counts"] for item in pc.value_counts(cells.filter(absent)).to_pylist()}
