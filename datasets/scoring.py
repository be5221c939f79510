"""The quality score of a table, 0 to 100, from its profile: a hundred points less what each kind of fault takes.

A fault takes points in proportion to the share that it touches, and all of its points at the share `full`.
docs/quality.md explains each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Profile = Mapping[str, Any]
Figures = Mapping[str, Any]

SHORT = 3  # signs: a shape without digits of this length is that of a code, not of words
REGULAR = 0.9  # of a text column's values have one shape: then the others are irregular


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault: the most that it takes, and the share of the table at which it takes that."""

    name: str
    most: int
    full: float
    share: Callable[[Profile, int, int], float]


@dataclass(frozen=True, slots=True)
class Deduction:
    """What one kind of fault takes: points of at most `most`, for the share that it touches."""

    name: str
    points: float
    most: int
    share: float


@dataclass(frozen=True, slots=True)
class Score:
    """The score and its reasons, the largest first: `value` is 100 less their points, rounded."""

    value: int
    deductions: tuple[Deduction, ...]


def score(profile: Profile, rejected_rows: int = 0, quarantined_cells: int = 0) -> Score:
    """Score a table by its profile and by what was set aside when it was read."""
    found = [_deducted(fault, profile, rejected_rows, quarantined_cells) for fault in FAULTS]
    reasons = sorted((each for each in found if each.points), key=lambda each: -each.points)
    return Score(round(100 - sum(each.points for each in reasons)), tuple(reasons))


def _deducted(fault: Fault, profile: Profile, rejected: int, quarantined: int) -> Deduction:
    share = min(1.0, max(0.0, fault.share(profile, rejected, quarantined)))
    # Whatever is wrong is seen: it takes at least a tenth of a point.
    points = max(0.1, round(fault.most * min(1.0, share / fault.full), 1)) if share else 0.0
    return Deduction(fault.name, points, fault.most, share)


def _columns(profile: Profile) -> list[Figures]:
    return list(profile["by_column"].values())


def _cells(profile: Profile) -> int:
    return max(1, int(profile["rows"]) * len(profile["by_column"]))


def _missing(profile: Profile, _rejected: int, _quarantined: int) -> float:
    return float(sum(each["missing"] for each in _columns(profile)) / _cells(profile))


def _invalid(profile: Profile, rejected: int, quarantined: int) -> float:
    """Rejected records, and cells that were set aside or are no finite numbers."""
    infinite = sum(each.get("infinite", 0) for each in _columns(profile))
    records = rejected / max(1, rejected + profile["rows"])
    return float(records + (quarantined + infinite) / _cells(profile))


def _repeated(profile: Profile, _rejected: int, _quarantined: int) -> float:
    return float(profile["duplicate_rows"] / max(1, profile["rows"]))


def _inconsistent(profile: Profile, _rejected: int, _quarantined: int) -> float:
    texts = [each for each in _columns(profile) if each["type"] == "text"]
    present = sum(sum_present(each, profile) for each in texts)
    return float(sum(misspelled(each) + irregular(each) for each in texts) / present) if present else 0.0


def _uninformative(profile: Profile, _rejected: int, _quarantined: int) -> float:
    """Constant columns, and identifiers beyond the one that a table needs."""
    columns = _columns(profile)
    useless = sum(each["constant"] for each in columns) + max(0, sum(each["id_like"] for each in columns) - 1)
    return float(useless / max(1, len(columns)))


def _far(profile: Profile, _rejected: int, _quarantined: int) -> float:
    numbers = [each for each in _columns(profile) if "outliers" in each]
    present = sum(sum_present(each, profile) for each in numbers)
    return float(sum(each["outliers"]["count"] for each in numbers) / present) if present else 0.0


def _gaps(profile: Profile, _rejected: int, _quarantined: int) -> float:
    """Of regular series, the moments that are missing; the worst column speaks."""
    regular = [each for each in _columns(profile) if each.get("series")]
    shares = (each["series"]["missing"] / (each["series"]["missing"] + each["distinct"]) for each in regular)
    return float(max(shares, default=0.0))


FAULTS = (
    Fault("completeness", 25, 0.3, _missing),
    Fault("validity", 25, 0.05, _invalid),
    Fault("uniqueness", 15, 0.1, _repeated),
    Fault("consistency", 15, 0.05, _inconsistent),
    Fault("information", 10, 0.3, _uninformative),
    Fault("outliers", 5, 0.1, _far),
    Fault("continuity", 5, 0.1, _gaps),
)


def sum_present(figures: Figures, profile: Profile) -> int:
    return int(profile["rows"] - figures["missing"])


def misspelled(figures: Figures) -> int:
    """Values that another spelling of the same stands for, or that have white space around them."""
    spelled = (figures.get("variants") or {}).get("rows", 0)
    return int(max(spelled, figures.get("padded", 0)))


def irregular(figures: Figures) -> int:
    """Values without the shape that nearly all values of a code have: short, or with digits in it."""
    patterns = figures.get("patterns") or []
    present = int(figures.get("present", 0))
    if not patterns or figures["distinct"] < 3:
        return 0
    usual = patterns[0]["pattern"]
    if "9" not in usual and len(usual) > SHORT:
        return 0
    most = patterns[0]["count"]
    return present - most if REGULAR * present <= most < present else 0
