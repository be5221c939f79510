"""A column that names rows instead of describing them: a model can only learn it by heart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.data import finding, leave_out

if TYPE_CHECKING:
    from training.engine.data import Source

THRESHOLD = 0.95
MIN_ROWS = 20  # below this, all values being different says nothing


def before(source: Source) -> Iterator[dict[str, Any]]:
    """Text, or whole numbers without a gap worth the name, of which nearly every value occurs once."""
    rows = source.frame
    if rows.height < MIN_ROWS:
        return
    for name in source.features:
        known = rows[name].drop_nulls()
        if source.schema[name].type not in ("text", "integer") or len(known) < MIN_ROWS:
            continue
        share = known.n_unique() / len(known)
        if share >= THRESHOLD and (source.schema[name].type == "text" or _numbered(known)):
            message = f"“{name}” differs in {share:.0%} of the rows, like an identifier."
            yield finding(
                "identifier", "warning", message, [name], test="distinct values by rows", value=round(share, 6),
                threshold=THRESHOLD, fix="Leave it out.", action=leave_out(name),
            )  # fmt: skip


def _numbered(known: Any) -> bool:
    """Whether whole numbers run on like a counter: at least half of the range is used. Amounts differ too, but jump."""
    span = int(known.max()) - int(known.min()) + 1
    return bool(len(known) == known.n_unique() and len(known) >= 0.5 * span)
