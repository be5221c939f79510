"""What the Columns and Quality tabs show, made from a profile alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from datasets.models import DatasetVersion
from datasets.personal_data import KINDS
from datasets.quality import FILTERS, findings, marks_of, protect
from datasets.schema import TYPES
from datasets.scoring import score

PAGE = 50
PAIRS = 12
Columns = list[dict[str, Any]]
Row = dict[str, Any]

REASONS = {
    "completeness": (_("Completeness"), _("of all cells are missing")),
    "validity": (_("Validity"), _("of records or cells were set aside, or are no finite numbers")),
    "uniqueness": (_("Uniqueness"), _("of rows repeat an earlier one")),
    "consistency": (_("Consistency"), _("of texts are spelled or shaped unlike the others")),
    "information": (_("Information"), _("of columns are constant, or identifiers beyond the first")),
    "outliers": (_("Outliers"), _("of numbers are far from the rest")),
    "continuity": (_("Continuity"), _("of the moments of a regular series are missing")),
}
MEASURES = {"pearson": "Pearson", "spearman": "Spearman"}


def columns_page(columns: Columns, query: QueryDict) -> dict[str, Any]:
    """The columns that fit the filters of the URL, a page of them, each with what was found in it."""
    chosen = {name: query.get(name, "") for name in ("column", "type", "finding")}
    marked = [{**column, "marks": marks_of(column) if "missing" in column else []} for column in columns]
    fitting = [column for column in marked if _fits(column, chosen)]
    page = Paginator(fitting, PAGE).get_page(query.get("page"))
    for column in page.object_list:
        column["mark_words"] = [(mark, FILTERS[mark]) for mark in column["marks"] if mark != "missing"]
        column["personal_kinds"] = [KINDS[each["kind"]].label for each in column.get("personal") or []]
    return {
        "page": page, "columns": page.object_list, "chosen": chosen, "is_filtered": any(chosen.values()),
        "types": [name for name in TYPES if any(column["type"] == name for column in columns)],
        "found": list(_found(marked)), "filters": urlencode({"tab": "columns", **chosen}),
        "columns_in_all": len(columns),
    }  # fmt: skip


def _fits(column: dict[str, Any], chosen: dict[str, str]) -> bool:
    return (
        chosen["column"].strip().casefold() in column["name"].casefold()
        and chosen["type"] in ("", column["type"])
        and (not chosen["finding"] or chosen["finding"] in column["marks"])
    )


def _found(marked: Columns) -> Iterator[tuple[str, Any, int]]:
    """The kinds of findings that there are, with their numbers of columns."""
    for name, word in FILTERS.items():
        if count := sum(name in column["marks"] for column in marked):
            yield name, word, count


def quality_page(profile: dict[str, Any], version: DatasetVersion, query: QueryDict) -> dict[str, Any]:
    """The score and its reasons, the findings, personal data, and how the columns go together."""
    rejected, quarantined = version.rejected_rows or 0, version.quarantined_cells or 0
    scored = score(profile, rejected, quarantined)
    return {
        "score": scored, "reasons": [(each, *REASONS[each.name]) for each in scored.deductions],
        "findings": findings(profile, rejected, quarantined), "personal": list(_personal(profile)),
        "together": profile.get("missing_together") or [], "associations": _associations(profile, query),
    }  # fmt: skip


def _personal(profile: dict[str, Any]) -> Iterator[Row]:
    """The likeliest kind of each column that seems to hold personal data, with what speaks for it."""
    for name, figures in profile["by_column"].items():
        for found in (figures.get("personal") or [])[:1]:
            sure = "high" if found["confidence"] >= 0.8 else "medium" if found["confidence"] >= 0.5 else "low"
            others = [KINDS[each["kind"]].label for each in figures["personal"][1:3]]
            yield {"column": name, "label": KINDS[found["kind"]].label, "sure": sure, "others": others, **found,
                   "fixes": protect([name], profile["by_column"])}  # fmt: skip


def _associations(profile: dict[str, Any], query: QueryDict) -> dict[str, Any] | None:
    """The matrix of the chosen measure over numbers and categories, and the strongest pairs."""
    found = profile.get("associations") or {}
    names = [*found.get("numeric", []), *found.get("categorical", [])]
    if len(names) < 2:
        return None
    measure = query.get("measure", "")
    measure = measure if measure in MEASURES else "pearson"
    matrix = _matrix(found, measure)
    return {
        "names": names, "matrix": matrix, "measure": measure, "measures": MEASURES.items(),
        "rows": zip(names, matrix, strict=True),
        "pairs": _pairs(names, matrix, len(found["numeric"]), measure), "left_out": found["left_out"],
    }  # fmt: skip


def _matrix(found: dict[str, Any], measure: str) -> list[list[float | None]]:
    by_number = [list(row) for row in zip(*found["correlation_ratio"], strict=True)] or [[] for _n in found["numeric"]]
    top = [[*row, *more] for row, more in zip(found[measure], by_number, strict=True)]
    bottom = [[*row, *more] for row, more in zip(found["correlation_ratio"], found["cramers_v"], strict=True)]
    return top + bottom


def _pairs(names: list[str], matrix: list[list[float | None]], numbers: int, measure: str) -> list[Row]:
    """The strongest pairs, with the name of their measure."""
    pairs = [(matrix[b][a] or 0.0, a, b) for b in range(len(names)) for a in range(b)]
    best = sorted(pairs, key=lambda pair: -abs(pair[0]))[:PAIRS]
    return [
        {"first": names[a], "second": names[b], "value": value, "strength": abs(value), "measure": _word(a, b, numbers, measure)}
        for value, a, b in best
        if value
    ]  # fmt: skip


def _word(a: int, b: int, numbers: int, measure: str) -> Any:
    if b < numbers:
        return MEASURES[measure]
    return _("Cramér's V") if a >= numbers else _("correlation ratio")
