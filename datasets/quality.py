"""What a profile says about a table's quality, with advice. Plain figures in, findings out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MISSING_SHARE = 0.2
OUTLIER_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: its tone (bad, warn, good, quiet), what was found, in which columns, and what to do."""

    check: str
    tone: str
    title: str
    columns: list[str]
    advice: str


def findings(profile: dict[str, Any], rejected_rows: int = 0) -> list[Finding]:
    """Return the findings of a whole-table profile, the heaviest first; [] for a table without one."""
    if not profile:
        return []
    by_column: dict[str, dict[str, Any]] = profile["by_column"]
    found = [*_rows(profile, rejected_rows), *_columns(by_column)]
    return sorted(found, key=lambda finding: ("bad", "warn", "quiet").index(finding.tone))


def _rows(profile: dict[str, Any], rejected: int) -> Iterator[Finding]:
    if rejected:
        title = ngettext("%(n)s line was rejected", "%(n)s lines were rejected", rejected) % {"n": f"{rejected:,}"}
        yield Finding(
            "rejects",
            "bad",
            title,
            [],
            _("Download the rejected lines on the Versions tab, mend the file and upload it as a new version."),
        )
    if duplicates := profile["duplicate_rows"]:
        title = ngettext("%(n)s row repeats an earlier one", "%(n)s rows repeat earlier ones", duplicates)
        advice = _(
            "Copies that fall on both sides of a split make a model look better than it is. "
            "Remove them with the recipe's step “duplicates”."
        )
        yield Finding("duplicates", "warn", title % {"n": f"{duplicates:,}"}, [], advice)


def _columns(by_column: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    if names := [name for name, each in by_column.items() if each["missing_share"] >= MISSING_SHARE]:
        advice = _(
            "Fill them with the recipe's step “missing values” and keep an indicator column, or leave the columns out."
        )
        yield Finding("missing", "warn", _("A fifth or more of the values is missing"), names, advice)
    if names := [name for name, each in by_column.items() if 0 < each["missing_share"] < MISSING_SHARE]:
        advice = _("Training fills these with the median or the most frequent value unless the recipe says otherwise.")
        yield Finding("some-missing", "quiet", _("Some values are missing"), names, advice)
    if names := [name for name, each in by_column.items() if each["constant"]]:
        yield Finding(
            "constant",
            "warn",
            _("The same value in every row"),
            names,
            _("A column that never changes tells a model nothing. Leave it out."),
        )
    if names := [name for name, each in by_column.items() if each["id_like"]]:
        advice = _(
            "A different value in every row is a name, not a property. A model can only learn it by heart: leave it out."
        )
        yield Finding("id-like", "warn", _("Looks like an identifier"), names, advice)
    if names := [name for name, each in by_column.items() if _outlying(each)]:
        advice = _(
            "Many values lie more than 1.5 interquartile ranges outside the middle half. "
            "Check their unit, or clip them with the step “outliers”."
        )
        yield Finding("outliers", "quiet", _("Far from the rest"), names, advice)


def _outlying(figures: dict[str, Any]) -> bool:
    outside: int = figures.get("outliers", {}).get("count", 0)
    present: int = sum((figures.get("histogram") or {}).get("counts", []))
    return outside > OUTLIER_SHARE * present
