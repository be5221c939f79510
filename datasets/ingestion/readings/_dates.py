"""Text as days and times."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from datasets.ingestion.readings._bytes import DIGITS_FROM, Texts
from datasets.ingestion.readings._numbers import cast

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Numbers = npt.NDArray[np.int64]

DAY = r"^\d{4}-\d\d-\d\d$"
TIME = r"^\d{4}-\d\d-\d\d([ T]\d\d(:\d\d(:\d\d(\.\d{1,6})?)?)?)?$"
TIME_UTC = TIME.replace("$", "Z$")
_YEAR_ONE = -719_162  # days from 1970 to 0001-01-01
_LONGEST = len("0000-00-00 00:00:00.000000")


def day(cells: pa.Array) -> pa.Array | None:
    """Days in ISO 8601."""
    import pyarrow as pa

    if not (Texts(cells).lengths == len("0000-00-00")).all():
        return None
    return _after_year_zero(cast(cells, pa.date32()))


def time(cells: pa.Array) -> pa.Array | None:
    """Times in ISO 8601 to the microsecond, with a space or a T, without an offset."""
    import pyarrow as pa

    if not (Texts(cells).lengths <= _LONGEST).all():
        return None
    return _after_year_zero(cast(cells, pa.timestamp("us")))


def _after_year_zero(values: pa.Array | None) -> pa.Array | None:
    """The calendar of most programs begins with year 1."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if values is None or values.null_count == len(values):
        return values
    first = pc.min(values).cast(pa.int32() if pa.types.is_date(values.type) else pa.int64()).as_py()
    return values if first >= _YEAR_ONE * (1 if pa.types.is_date(values.type) else 86_400_000_000) else None


def time_utc(cells: pa.Array) -> pa.Array | None:
    """The same with a Z at the end."""
    import pyarrow.compute as pc

    if not pc.all(pc.ends_with(cells, "Z")).as_py():
        return None
    return time(pc.utf8_slice_codeunits(cells, 0, -1))


def shape(order: str, before: str, between: str, after: str = "") -> str:
    """The pattern of dates written with separators; `order` is a permutation of "ymd"."""
    part = {"y": r"(?P<y>\d{4})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})"}
    return f"^{part[order[0]]}{before}{part[order[1]]}{between}{part[order[2]]}{after}$"


def written(order: str, separators: str) -> Callable[[pa.Array], pa.Array | None]:
    """Read dates written with separators, such as 31/01/2024 or 1.2.2024."""
    pattern = shape(order, f"[{separators}]", f"[{separators}]")

    def parse(cells: pa.Array) -> pa.Array | None:
        texts = Texts(cells)
        if len(texts.starts) and (texts.lengths == 10).all():
            return _of_ten(texts, order, separators)
        return _by_pattern(cells, pattern)

    return parse


def written_with(pattern: str) -> Callable[[pa.Array], pa.Array | None]:
    """Read dates by a pattern with the groups y, m and d."""
    return lambda cells: _by_pattern(cells, pattern)


def _of_ten(texts: Texts, order: str, separators: str) -> pa.Array | None:
    """Two digits for day and month each: every part stands in the same place."""
    import numpy as np

    signs = texts.data[texts.starts[:, None] + np.arange(10)]  # (cells, 10)
    first, second = (4, 7) if order[0] == "y" else (2, 5)
    if not np.isin(signs[:, (first, second)], [ord(sign) for sign in separators]).all():
        return None
    digits = np.delete(signs, (first, second), axis=1).astype(np.int64) - DIGITS_FROM
    if ((digits < 0) | (digits > 9)).any():
        return None
    parts, at = {}, 0
    for part in order:
        width = 4 if part == "y" else 2
        parts[part] = digits[:, at : at + width] @ (10 ** np.arange(width - 1, -1, -1))
        at += width
    return _days(texts.cells, parts["y"], parts["m"], parts["d"])


def _by_pattern(cells: pa.Array, pattern: str) -> pa.Array | None:
    import numpy as np
    import pyarrow.compute as pc

    if not pc.all(pc.match_substring_regex(cells, pattern)).as_py():
        return None
    parts = pc.extract_regex(cells.drop_null(), pattern)
    return _days(cells, *(pc.struct_field(parts, key).to_numpy(zero_copy_only=False).astype(np.int64) for key in "ymd"))


def _days(cells: pa.Array, year: Numbers, month: Numbers, day: Numbers) -> pa.Array | None:
    """Days since 1970 in the place of each present cell; None if one is in no calendar."""
    import numpy as np
    import pyarrow as pa

    if not possible(year, month, day).all():
        return None
    found = _first_of(year, month).astype(np.int64) + day - 1
    if not cells.null_count:
        return pa.array(found.astype(np.int32), pa.int32()).cast(pa.date32())
    absent = cells.is_null().to_numpy(zero_copy_only=False)
    whole = np.zeros(len(cells), np.int32)
    whole[~absent] = found
    return pa.array(whole, pa.int32(), mask=absent).cast(pa.date32())


def possible(year: Numbers, month: Numbers, day: Numbers) -> Any:
    """Where a day is in the calendar."""
    import numpy as np

    right = (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    known = np.clip(month, 1, 12)
    last = (_first_of(year, known + 1) - _first_of(year, known)).astype(np.int64)
    return right & (day <= last)


def _first_of(year: Numbers, month: Numbers) -> Any:
    return ((year - 1970) * 12 + month - 1).astype("M8[M]").astype("M8[D]")
