"""Regular series: how often values come, and which are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datasets.profiling.iso import iso_day, iso_moment

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

LEAST = 8  # so many different moments, before anything is said
USUAL = 0.7  # so large a share of the steps must be alike
SHOWN = 10
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_NAMED = (("day", _DAY), ("hour", 3600 * _SECOND), ("minute", 60 * _SECOND), ("second", _SECOND))


def series_of_days(known: Array) -> dict[str, Any] | None:
    """For sorted, different days: {frequency, every, missing, gaps [{after, before, missing}]}; None where no rhythm is found.

    frequency is day, weekday, week, month, quarter or year; every counts them. At most SHOWN gaps, the longest first.
    """
    import numpy as np

    if len(known) < LEAST:
        return None
    moments = known.astype("datetime64[D]")
    months = moments.astype("datetime64[M]")
    first = (moments == months.astype("datetime64[D]")).all()
    last = ((moments + 1) == (moments + 1).astype("datetime64[M]")).all()
    if first or last:
        steps = months.astype(np.int64)
        by_month = _regular(steps, {12: ("year", 1), 3: ("quarter", 1), 1: ("month", 1)})
        return by_month and _with_gaps(by_month, steps, known, iso_day)
    weekdays = (known + 3) % 7
    if weekdays.max() <= 4 and len(known) > 10:
        working = (known + 3) // 7 * 5 + weekdays
        if found := _regular(working, {1: ("weekday", 1)}):
            return _with_gaps(found, working, known, iso_day)
    found = _regular(known, {7: ("week", 1), 1: ("day", 1)})
    return found and _with_gaps(found, known, known, iso_day)


def series_of_moments(known: Array) -> dict[str, Any] | None:
    """The same for sorted, different microseconds; frequency is day, hour, minute or second."""
    import numpy as np

    if len(known) < LEAST:
        return None
    steps = np.diff(known)
    values, counts = np.unique(steps, return_counts=True)
    usual = int(values[counts.argmax()])
    unit, size = next(((unit, size) for unit, size in _NAMED if usual % size == 0), ("", 1))
    if not unit or counts.max() < USUAL * len(steps) or (steps % usual).any():
        return None
    found = {"frequency": unit, "every": usual // size, "step": usual}
    return _with_gaps(found, known, known, iso_moment)


def _regular(places: Array, names: dict[int, tuple[str, int]]) -> dict[str, Any] | None:
    """The rhythm of sorted places, if most steps are alike and have a name and the others are multiples."""
    import numpy as np

    steps = np.diff(places)
    for step, (name, every) in names.items():
        if (steps == step).mean() >= USUAL and not (steps % step).any():
            return {"frequency": name, "every": every, "step": step}
    return None


def _with_gaps(found: dict[str, Any], places: Array, known: Array, show: Any) -> dict[str, Any]:
    import numpy as np

    step = found["step"]
    absent = np.diff(places) // step - 1
    longest = [int(i) for i in np.argsort(-absent, kind="stable")[:SHOWN] if absent[i] > 0]
    pairs = [(show(known[i]), show(known[i + 1]), int(absent[i])) for i in longest]
    return {
        "frequency": found["frequency"],
        "every": found["every"],
        "missing": int(absent.sum()),
        "gaps": [{"after": after, "before": before, "missing": missing} for after, before, missing in pairs],
    }
