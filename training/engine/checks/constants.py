"""A column that never changes tells a model nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.data import finding, leave_out

if TYPE_CHECKING:
    from training.engine.data import Source


def before(source: Source) -> Iterator[dict[str, Any]]:
    """Columns with one value in every training row; training leaves them out by itself."""
    train = source.part("train")
    names = [name for name in source.features if train[name].n_unique() < 2]
    if names:
        listed = ", ".join(names[:10])
        yield finding(
            "constant_column", "info", f"Left out because all training rows agree: {listed}.", names, test="distinct values",
            value=1, threshold=2, fix="Leave these columns out.", action=leave_out(*names),
        )  # fmt: skip
