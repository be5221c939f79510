"""What a profile says about a table's quality, with advice and fixes. Plain figures in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from datasets.recipe import STEPS
from datasets.scoring import irregular, misspelled

Figures = Mapping[str, Any]
MISSING_SHARE = 0.2
OUTLIER_SHARE = 0.01
_TONES = ("bad", "warn", "quiet")


@dataclass(frozen=True, slots=True)
class Fix:
    """A step that mends a finding, ready to be added to a recipe."""

    label: str
    step: str
    columns: list[str] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: its tone (bad, warn, quiet), what was found, in which columns, what to do, and the steps
    that do it."""

    check: str
    tone: str
    title: str
    columns: list[str]
    advice: str
    fixes: list[Fix] = field(default_factory=list)


FILTERS = {
    "missing": gettext_lazy("Missing values"),
    "constant": gettext_lazy("Constant"),
    "id-like": gettext_lazy("Identifiers"),
    "variants": gettext_lazy("Several spellings"),
    "irregular": gettext_lazy("Irregular values"),
    "outliers": gettext_lazy("Far from the rest"),
    "gaps": gettext_lazy("Gaps in a series"),
    "infinite": gettext_lazy("Infinite numbers"),
    "personal": gettext_lazy("Personal data"),
}


def findings(profile: dict[str, Any], rejected_rows: int = 0, quarantined_cells: int = 0) -> list[Finding]:
    """Return the findings of a whole-table profile, the heaviest first; [] for a table without one."""
    if not profile:
        return []
    by_column: dict[str, dict[str, Any]] = profile["by_column"]
    found = [*_set_aside(rejected_rows, quarantined_cells), *_repeated(profile), *_columns(by_column)]
    return sorted(found, key=lambda finding: _TONES.index(finding.tone))


def marks_of(figures: Figures) -> list[str]:
    """The checks, keys of FILTERS, that one column's figures fail."""
    return [check for check, fails in _FAILS.items() if fails(figures)]


def _fixes(*fixes: tuple[str, str, list[str], dict[str, str]]) -> list[Fix]:
    """Those whose step there is."""
    return [Fix(*fix) for fix in fixes if fix[1] in STEPS and (fix[2] or fix[1] == "duplicates")]


def _set_aside(rejected: int, quarantined: int) -> Iterator[Finding]:
    if rejected:
        title = ngettext("%(n)s line was rejected", "%(n)s lines were rejected", rejected) % {"n": f"{rejected:,}"}
        advice = _("Download the rejected lines on the Versions tab, mend the file and upload it as a new version.")
        yield Finding("rejects", "bad", title, [], advice)
    if quarantined:
        title = ngettext("%(n)s value did not fit its column", "%(n)s values did not fit their columns", quarantined)
        advice = _(
            "They are stored as missing; each is listed with its line among the rejects on the Versions tab. "
            "If most of a column is there, import it again with another type."
        )
        yield Finding("quarantined", "bad", title % {"n": f"{quarantined:,}"}, [], advice)


def _repeated(profile: dict[str, Any]) -> Iterator[Finding]:
    if duplicates := profile["duplicate_rows"]:
        title = ngettext("%(n)s row repeats an earlier one", "%(n)s rows repeat earlier ones", duplicates)
        advice = _("Copies that fall on both sides of a split make a model look better than it is.")
        fixes = _fixes((_("Remove the copies"), "duplicates", [], {}))
        yield Finding("duplicates", "warn", title % {"n": f"{duplicates:,}"}, [], advice, fixes)


def _columns(by_column: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    for check, tone, title, advice, fixes in _CHECKS:
        if names := [name for name, each in by_column.items() if _FAILS_MORE.get(check, _FAILS.get(check))(each)]:  # type: ignore[misc]
            yield Finding(check, tone, str(title), names, str(advice), fixes(names, by_column))


def _fill(names: list[str], by_column: dict[str, dict[str, Any]]) -> list[Fix]:
    numeric = [name for name in names if by_column[name]["type"] in ("integer", "number")]
    others = [name for name in names if name not in numeric and by_column[name]["distinct"]]
    return _fixes(
        (_("Fill numbers with the median"), "missing", numeric, {"method": "median", "indicator": "true"}),
        (_("Fill the others with the most frequent value"), "missing", others, {"method": "mode"}),
    )


def _drop(names: list[str], _by_column: Any) -> list[Fix]:
    return _fixes((_("Leave out"), "drop", names, {}))


def _clean(names: list[str], _by_column: Any) -> list[Fix]:
    return _fixes((_("Write them alike"), "text", names, {"spaces": "true", "case": "lower"}))


def _clip(names: list[str], _by_column: Any) -> list[Fix]:
    return _fixes((_("Clip them"), "outliers", names, {"action": "clip"}))


def protect(names: list[str], by_column: dict[str, dict[str, Any]]) -> list[Fix]:
    """What to do with columns of personal data."""
    texts = [name for name in names if by_column[name]["type"] in ("text", "integer")]
    return _fixes((_("Leave out"), "drop", names, {}), (_("Pseudonymise"), "pseudonym", texts, {}))


def _none(_names: list[str], _by_column: Any) -> list[Fix]:
    return []


def _is_far(figures: Figures) -> bool:
    outside: int = figures.get("outliers", {}).get("count", 0)
    present: int = sum((figures.get("histogram") or {}).get("counts", []))
    return outside > OUTLIER_SHARE * present


_FAILS: dict[str, Callable[[Figures], bool]] = {
    "missing": lambda each: each["missing"] > 0,
    "constant": lambda each: each["constant"],
    "id-like": lambda each: each["id_like"],
    "variants": lambda each: misspelled(each) > 0,
    "irregular": lambda each: irregular(each) > 0,
    "outliers": _is_far,
    "gaps": lambda each: bool(each.get("series") and each["series"]["missing"]),
    "infinite": lambda each: each.get("infinite", 0) > 0,
    "personal": lambda each: bool(each.get("personal")),
}
_FAILS_MORE: dict[str, Callable[[Figures], bool]] = {
    "missing": lambda each: each["missing_share"] >= MISSING_SHARE,
    "some-missing": lambda each: 0 < each["missing_share"] < MISSING_SHARE,
}
_CHECKS: tuple[tuple[str, str, Any, Any, Callable[[list[str], Any], list[Fix]]], ...] = (
    (
        "infinite", "bad", gettext_lazy("Numbers that are infinite"),
        gettext_lazy("A division by zero or an overflow made them. Mend them where the table comes from."), _none,
    ),
    (
        "personal", "warn", gettext_lazy("Seems to hold personal data"),
        gettext_lazy("Leave out what a model does not need, and pseudonymise what only joins rows."), protect,
    ),
    (
        "missing", "warn", gettext_lazy("A fifth or more of the values is missing"),
        gettext_lazy("Fill them and keep an indicator column, or leave the columns out."), _fill,
    ),
    (
        "constant", "warn", gettext_lazy("The same value in every row"),
        gettext_lazy("A column that never changes tells a model nothing."), _drop,
    ),
    (
        "id-like", "warn", gettext_lazy("Looks like an identifier"),
        gettext_lazy("A different value in every row is a name, not a property. A model can only learn it by heart."),
        _drop,
    ),
    (
        "variants", "warn", gettext_lazy("The same value in several spellings"),
        gettext_lazy("Upper and lower case or spaces tell apart what means the same."), _clean,
    ),
    (
        "gaps", "warn", gettext_lazy("A regular series has gaps"),
        gettext_lazy("Find out whether nothing happened at these times or nothing was recorded."), _none,
    ),
    (
        "irregular", "quiet", gettext_lazy("A few values are written unlike the others"),
        gettext_lazy("Nearly all values of these columns have one shape. Look at those that do not."), _none,
    ),
    (
        "some-missing", "quiet", gettext_lazy("Some values are missing"),
        gettext_lazy("Training fills these with the median or the most frequent value unless the recipe says otherwise."),
        _fill,
    ),
    (
        "outliers", "quiet", gettext_lazy("Far from the rest"),
        gettext_lazy(
            "Many values lie more than 1.5 interquartile ranges outside the middle half. Check their unit, or clip them."
        ),
        _clip,
    ),
)  # fmt: skip
