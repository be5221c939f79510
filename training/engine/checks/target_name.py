"""A column whose name is built on the target's: likely the outcome again, in other words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.data import finding, leave_out

if TYPE_CHECKING:
    from training.engine.data import Source

LEAST = 3  # letters: shorter targets ("y", "id") stand in many names by chance
# What people put before or after a column's name when they write the same thing again.
AGAIN = "flag|copy|code|label|class|date|time|at|on|amount|value|score|status|reason|is|has|was|final|actual|new|old|id"


def before(source: Source) -> Iterator[dict[str, Any]]:
    """Names that are the target's with a word such as flag, date or reason put to it; case and separators aside."""
    target = _words(source.target.name)
    if len(target) < LEAST:
        return
    pattern = re.compile(rf"(?:(?:{AGAIN})_)*{re.escape(target)}(?:_(?:{AGAIN}|\d+))*")
    for name in source.features:
        if pattern.fullmatch(_words(name)):
            message = f"“{name}” is named after the target “{source.target.name}”."
            fix = "Leave it out, unless it is known before the moment of the prediction."
            yield finding(
                "named_after_target", "warning", message, [name], test="names that are built on the target's", value=1,
                threshold=1, fix=fix, action=leave_out(name),
            )  # fmt: skip


def _words(name: str) -> str:
    """Lower-case words with one underscore between them; `DefaultFlag` is two."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[\W_]+", "_", parted.lower()).strip("_")
