"""A last line of totals is no record: it is set aside with the rejects, unless somebody says that it is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from datasets.formats._base import Block, Reject, TextTable
from plugins.params import Param

if TYPE_CHECKING:
    import pyarrow as pa

PARAM = Param(
    "totals", "choice", "reject", "Whether a last line of totals is set aside with the rejects, or is a record.",
    label="Last line of totals", choices=("reject", "keep"),
)  # fmt: skip
_LABEL = re.compile(
    r"((grand|sub|overall)[ -]?)?totals?|sum|summe|gesamt(summe)?|insgesamt|total (général|general)|somme|suma|totale|totaal"
    r"|合计|总计|總計|合計|小计|小計|总和|總和|計|итого|всего",
    re.IGNORECASE,
)
Loaders = Callable[[], Iterator[Callable[[], Block]]]


def set_aside(table: TextTable, choice: str) -> TextTable:
    """Have the table's last block lose a last row of totals."""
    table.options["totals"] = choice
    if choice == "reject":
        table.blocks = partial(_last_checked, table.blocks)
    return table


def _last_checked(blocks: Loaders) -> Iterator[Callable[[], Block]]:
    loads = blocks()
    waiting = next(loads, None)
    for load in loads:
        assert waiting is not None
        yield waiting
        waiting = load
    if waiting is not None:
        yield partial(_checked, waiting)


def _checked(load: Callable[[], Block]) -> Block:
    block = load()
    rows = block.cells.num_rows
    cells = _row(block.cells, rows - 1) if rows > 1 else []
    label = next(filter(None, cells), "").strip().rstrip(":：").strip()
    if not any(cells[1:]) or not _LABEL.fullmatch(label):
        return block
    lines = list(block.lines()) if block.lines else []
    reject = Reject(lines[-1] if lines else 0, "is a line of totals", ",".join(cells))
    before: Callable[[], list[int]] | None = partial(list, lines[:-1]) if lines else None
    return Block(block.cells.slice(0, rows - 1), [*block.rejects, reject], block.blank_lines, before)


def _row(cells: pa.Table, row: int) -> list[str]:
    return [str(column[row].as_py() or "") for column in cells.columns]
