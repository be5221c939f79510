"""Splitting rows: at random (classes each in their own proportion), by whole groups, or in the order of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from training.engine.errors import TrainError

if TYPE_CHECKING:
    import numpy as np

PARTS = ("train", "validation", "test")
DEFAULT = {"test": 0.2, "validation": 0.2}
RANDOM, GROUPED, TIMED = "random", "grouped", "time"
KINDS = (RANDOM, GROUPED, TIMED)
_KEYS = (*DEFAULT, "kind", "by")


def check(asked: Mapping[str, Any]) -> None:
    """Raises TrainError for a split that leaves too little to train on, or that cannot be understood.

    `asked` is {"test", "validation": shares, "kind": one of KINDS, "by": the column of the groups or times}.
    """
    for name, value in asked.items():
        if name not in _KEYS:
            detail = f"The split knows no {name!r}."
            raise TrainError("bad_split", detail, f"Known are {', '.join(_KEYS)}.", f"split.{name[:80]}")
        if name in DEFAULT and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 0.5):
            detail = f"The split gives {value!r} to {name!r}."
            raise TrainError("bad_split", detail, "Give validation and test shares from 0 to 0.5.", f"split.{name}")
    if sum(shares(asked).values()) > 0.8:
        raise TrainError("bad_split", "The split leaves under a fifth of the rows to train on.", "", "split")
    _check_kind(asked.get("kind") or RANDOM, asked.get("by"))


def _check_kind(kind: Any, by: Any) -> None:
    if kind not in KINDS:
        detail = f"There is no split of the kind {kind!r}."
        raise TrainError("bad_split", detail, f"Known are {', '.join(KINDS)}.", "split.kind")
    if kind == RANDOM and by:
        hint = "Choose grouped or time, or leave the column out."
        raise TrainError("bad_split", "A random split goes by no column.", hint, "split.by")
    if kind != RANDOM and (not by or not isinstance(by, str)):
        words = "groups" if kind == GROUPED else "times"
        raise TrainError(
            "bad_split", f"A {kind} split goes by a column.", f"Name the column of the {words}.", "split.by"
        )


def shares(asked: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a split alone."""
    return {name: float(asked[name]) for name in DEFAULT if name in asked}


def split(y: np.ndarray, shares: Mapping[str, float], seed: int, *, stratified: bool) -> dict[str, np.ndarray]:
    """Return the row numbers of each part, in the table's order.

    Shape: y (rows,). Stratified, each class gives its own share to each part, to the nearest row; a class of one row
    goes to training, since a class that training never saw cannot be answered.
    """
    import numpy as np

    random = np.random.Generator(np.random.PCG64(seed))
    groups = [np.flatnonzero(y == value) for value in np.unique(y)] if stratified else [np.arange(len(y))]
    return _collect([_deal(random.permutation(group), shares) for group in groups])


def split_groups(groups: np.ndarray, shares: Mapping[str, float], seed: int) -> dict[str, np.ndarray]:
    """Whole groups go to each part, until it has its share of the rows. Shape: groups (rows,) of codes from 0.

    Raises TrainError where there are fewer groups than parts.
    """
    import numpy as np

    sizes = np.bincount(groups)
    if len(sizes) < 1 + sum(share > 0 for share in shares.values()):
        detail = f"The column of the groups has {len(sizes)} values only."
        raise TrainError("too_few_groups", detail, "Choose a column with more groups.", "split.by")
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(sizes))
    part_of = np.full(len(sizes), PARTS.index("train"))
    place = 0
    for part in ("test", "validation"):
        wanted, got = shares.get(part, 0.0) * len(groups), 0
        while wanted and (got == 0 or got + sizes[order[place]] / 2 <= wanted) and place < len(order) - 1:
            part_of[order[place]] = PARTS.index(part)
            got, place = got + int(sizes[order[place]]), place + 1
    return {part: np.flatnonzero(part_of[groups] == PARTS.index(part)) for part in PARTS}


def split_times(times: np.ndarray, shares: Mapping[str, float]) -> dict[str, np.ndarray]:
    """The last rows in time are the test, those before them the validation. Shape: times (rows,), ordered numbers.

    Rows of one moment stay together, on the earlier side.
    """
    import numpy as np

    ordered = np.sort(times)
    test, validation = (round(shares.get(part, 0.0) * len(times)) for part in ("test", "validation"))
    first_test = ordered[len(times) - test - 1] if test else ordered[-1]
    first_validation = ordered[len(times) - test - validation - 1] if validation else first_test
    return {
        "train": np.flatnonzero(times <= first_validation),
        "validation": np.flatnonzero((times > first_validation) & (times <= first_test)),
        "test": np.flatnonzero(times > first_test),
    }


def _collect(dealt: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    import numpy as np

    return {part: np.sort(np.concatenate([rows[part] for rows in dealt])) for part in PARTS}


def _deal(rows: np.ndarray, shares: Mapping[str, float]) -> dict[str, np.ndarray]:
    test = round(len(rows) * shares.get("test", 0.0))
    validation = min(round(len(rows) * shares.get("validation", 0.0)), max(0, len(rows) - test - 1))
    held = test + validation
    return {"test": rows[:test], "validation": rows[test:held], "train": rows[held:]}
