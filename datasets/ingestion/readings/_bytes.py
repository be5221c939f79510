"""The bytes of a column of text, as arrays: what the typing layer asks of them costs no string of its own."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Bytes = npt.NDArray[np.uint8]
    Places = npt.NDArray[np.int32]

DIGITS_FROM, LETTERS_FROM = ord("0"), ord("A")
MINUS, POINT, COMMA, PLUS = ord("-"), ord("."), ord(","), ord("+")


class Texts:
    """The present cells of a string array: where each starts in `data`, and how long it is."""

    def __init__(self, cells: pa.Array) -> None:
        import numpy as np

        self.cells = cells
        offsets: Places = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]
        self.data: Bytes = np.frombuffer(cells.buffers()[2] or b"", np.uint8)
        self.offsets = offsets if len(offsets) else np.zeros(1, np.int32)
        starts, ends = offsets[:-1], offsets[1:]
        if cells.null_count:
            present = cells.is_valid().to_numpy(zero_copy_only=False)
            starts, ends = starts[present], ends[present]
        self.starts: Places = starts
        self.lengths: Places = ends - starts

    @cached_property
    def content(self) -> Bytes:
        """All bytes from the first cell to the last; those under a null may be among them."""
        return self.data[self.offsets[0] : self.offsets[-1]]

    @cached_property
    def first(self) -> Bytes:
        """The first byte of each cell; NUL for an empty one."""
        return self.at(0)

    def at(self, position: int) -> Bytes:
        """The byte at a position of each cell, from its end if negative; NUL where the cell is shorter."""
        import numpy as np

        inside = self.lengths > position if position >= 0 else self.lengths >= -position
        places = self.starts + (position if position >= 0 else self.lengths + position)
        if inside.all():
            found: Bytes = self.data.take(places)  # in half the time of an index
            return found
        found = np.zeros(len(self.starts), np.uint8)
        found[inside] = self.data[places[inside]]
        return found

    def leading_zero(self, *, whole: bool) -> bool:
        """Answer whether a cell has a plus, or a zero before another digit; if `whole`, before anything, or minus zero."""
        import numpy as np

        if len(self.first) and int(self.first.min()) > DIGITS_FROM:
            return False  # signs come before digits
        if (self.first == PLUS).any():
            return True
        zero = np.flatnonzero(self.first == DIGITS_FROM)
        minus_zero = np.flatnonzero(self.first == MINUS)
        minus_zero = minus_zero[self.data[self.starts[minus_zero] + 1] == DIGITS_FROM]
        if whole:
            return bool(len(minus_zero) or (self.lengths[zero] > 1).any())
        return self._digit_at(1, zero) or self._digit_at(2, minus_zero)

    def _digit_at(self, position: int, rows: Any) -> bool:
        """Answer whether one of these cells has a digit at a position."""
        longer = rows[self.lengths[rows] > position]
        return bool(is_digit(self.data[self.starts[longer] + position]).any())

    def holds(self, byte: int) -> bool:
        """Answer whether a byte stands anywhere in `content`."""
        return bool((self.content == byte).any())

    def has_letters(self) -> bool:
        """Answer whether `content` may have a letter, or anything else beyond digits and signs."""
        return bool(len(self.content)) and int(self.content.max()) >= LETTERS_FROM

    def lettered(self) -> tuple[Any, list[str]]:
        """Where in the array there are present cells with letters, and these cells."""
        import numpy as np
        import pyarrow as pa

        if not self.has_letters():
            return [], []
        places = np.flatnonzero(self.content >= LETTERS_FROM) + self.offsets[0]
        where = np.unique(np.searchsorted(self.offsets, places, side="right") - 1)
        found = self.cells.take(pa.array(where))
        return where[found.is_valid().to_numpy(zero_copy_only=False)], found.drop_null().to_pylist()


def is_digit(found: Bytes) -> Any:
    """Where a byte is one of 0 to 9."""
    return (found - DIGITS_FROM) < 10  # unsigned: what is below "0" wraps around


def number_led(texts: Texts) -> Any:
    """Where a cell begins as every number and every date does: with a digit or a minus."""
    return is_digit(texts.first) | (texts.first == MINUS)


def replaced(cells: pa.Array, old: int, new: int) -> pa.Array:
    """The cells with one byte in place of another."""
    import numpy as np
    import pyarrow as pa

    valid, offsets, data = cells.buffers()
    changed = np.frombuffer(data or b"", np.uint8).copy()
    changed[changed == old] = new
    return pa.Array.from_buffers(pa.string(), len(cells), [valid, offsets, pa.py_buffer(changed)], offset=cells.offset)
