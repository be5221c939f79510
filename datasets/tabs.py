"""What each tab of the data set page shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from datasets import reading, tables, used_by
from datasets.forms import VersionForm
from datasets.imports.options import in_words
from datasets.models import Dataset, DatasetVersion, Recipe, VersionState
from datasets.preparation.services import may_prepare
from datasets.profile_pages import columns_page, quality_page
from datasets.schema import NUMERIC
from datasets.tables import Described
from departments.access import ROLE_VERBS, Actor, Verb, decide, grants_for
from departments.models import Grant, Membership
from departments.services import grants_on

PAGE = 50
# A browser draws this many columns at once without halting; the Columns tab lists all of them.
SHOWN_COLUMNS = 200
TABS = {
    "preview": _("Preview"),
    "columns": _("Columns"),
    "quality": _("Quality"),
    "recipe": _("Recipe"),
    "versions": _("Versions"),
    "access": _("Access"),
    "used-by": _("Used by"),
}


def preview(actor: Actor, _dataset: Dataset, version: DatasetVersion, query: QueryDict) -> dict[str, Any]:
    """A page of rows under columns that carry the whole table's figures."""
    offset, sort = _whole(query.get("offset", "")), query.get("sort", "")
    kept = {"view_as": query["view_as"]} if "view_as" in query else {}
    page = reading.read_rows(actor=actor, version=version, offset=offset, limit=PAGE, sort=sort)
    table = tables.described(version, decide(actor, Verb.PREVIEW, version), actor=actor)
    columns = _columns(table)[:SHOWN_COLUMNS]
    for column in columns:
        column["sorted"] = {column["name"]: "ascending", f"-{column['name']}": "descending"}.get(sort, "")
        wanted = f"-{column['name']}" if column["sorted"] == "ascending" else column["name"]
        column["sort_query"] = urlencode({"sort": wanted, **kept})
    return {
        "columns": columns,
        "rows": [[_shown(row[column["name"]], column["type"]) for column in columns] for row in page.rows],
        "page": page,
        "first": offset + 1 if page.rows else 0,
        "last": offset + len(page.rows),
        "more_query": urlencode({"offset": offset + PAGE, "sort": sort, **kept}) if offset + PAGE < page.total else "",
        "less_query": urlencode({"offset": max(0, offset - PAGE), "sort": sort, **kept}) if offset else "",
        "hidden_columns": max(0, len(table.schema) - SHOWN_COLUMNS),
    }


def columns(actor: Actor, _dataset: Dataset, version: DatasetVersion, query: QueryDict) -> dict[str, Any]:
    """A page of the columns' figures, those that fit the filters."""
    table = reading.read_profile(actor=actor, version=version)
    return {**columns_page(_columns(table), query), "rows_in_all": table.rows}


def quality(actor: Actor, dataset: Dataset, version: DatasetVersion, query: QueryDict) -> dict[str, Any]:
    """The score with its reasons, what was found with what mends it, and how the columns go together."""
    profile = reading.read_profile(actor=actor, version=version).profile
    shown = quality_page(profile, tables.seen(version, actor), query) if profile else {}
    # A fix is added to the latest recipe; without one, a new one is made.
    recipe = Recipe.objects.visible_to(actor).filter(dataset=dataset).first()
    return {**shown, "profile": profile, "may_fix": may_prepare(actor, dataset, recipe), "recipe": recipe}


def versions(actor: Actor, dataset: Dataset, version: DatasetVersion | None, _query: QueryDict) -> dict[str, Any]:
    """Every version with what it was read with, and what the chosen one set aside."""
    rows = dataset.versions.select_related("created_by", "job").defer("profile")
    known = grants_for(actor, [dataset]).get(dataset.pk, [])
    shown = [tables.seen(each, actor, grants=known) for each in rows]
    reads = decide(actor, Verb.PREVIEW, dataset, grants=known)
    may_read = reads.allowed and reads.projection is None
    has_aside = may_read and version is not None and version.state == VersionState.READY and version.rejects_key
    return {
        "versions": shown, "words": {each.number: in_words(each.options) for each in shown},
        "version_form": VersionForm(), "may_read": may_read,
        "aside": reading.first_rejects(actor=actor, version=version) if version and has_aside else [],
    }  # fmt: skip


def access(actor: Actor, dataset: Dataset, _version: DatasetVersion | None, _query: QueryDict) -> dict[str, Any]:
    """Who may do what: members by role for colleagues, the own grants for everybody else."""
    own = dataset.department_id in actor.roles or actor.is_platform_admin
    grants = grants_on(dataset) if own else grants_on(dataset).filter(department_id__in=actor.department_ids)
    members = Membership.objects.filter(department=dataset.department).select_related("person") if own else []
    return {
        "is_own": own,
        "members": [(member, sorted(verb.value for verb in ROLE_VERBS[member.role])) for member in members],
        "grants": [grant for grant in grants if isinstance(grant, Grant)],
    }


def uses(actor: Actor, dataset: Dataset, _version: DatasetVersion | None, _query: QueryDict) -> dict[str, Any]:
    groups = used_by.uses_of(dataset, actor)
    return {"groups": groups, "is_used": any(group["uses"] for group in groups)}


def recipes(actor: Actor, dataset: Dataset, _version: DatasetVersion | None, _query: QueryDict) -> dict[str, Any]:
    """The recipes that the actor's own departments have on this data set."""
    return {"recipes": Recipe.objects.visible_to(actor).filter(dataset=dataset)[:PAGE]}


CONTENT: dict[str, Callable[..., dict[str, Any]]] = {
    "preview": preview,
    "columns": columns,
    "quality": quality,
    "recipe": recipes,
    "versions": versions,
    "access": access,
    "used-by": uses,
}
# What a grantee gets of the data itself; the others show what their department made of it, which is theirs.
OF_THE_DATA = ("preview", "columns", "quality", "versions")
# These show values, so they need a ready version and the right to preview.
NEED_ROWS = ("preview", "columns", "quality")


def _columns(table: Described) -> list[dict[str, Any]]:
    """Name, type and figures of every column; `chart` is what its small histogram draws."""
    by_column = table.profile.get("by_column", {})
    merged = ({**by_column.get(item["name"], {}), **item} for item in table.schema.to_json())
    return [{**column, "top": _top(column), "chart": column.get("histogram") or _top(column)} for column in merged]


def _top(column: dict[str, Any]) -> list[dict[str, Any]]:
    """The most frequent values; true and false as people write them."""
    top: list[dict[str, Any]] = column.get("top") or []
    return [{**item, "value": str(item["value"]).lower()} for item in top] if column["type"] == "boolean" else top


def _shown(value: Any, kind: str) -> tuple[str, str]:
    """A cell as text, and its class: missing, num or none. Numbers are not rounded to what looks tidy."""
    if value is None:
        return "–", "cell-missing num" if kind in NUMERIC else "cell-missing"
    if isinstance(value, bool):
        return str(value).lower(), ""
    if isinstance(value, int | float):
        return f"{value:.12g}" if isinstance(value, float) else str(value), "num"
    return value.replace("T", " ") if len(value) == 19 and value[10:11] == "T" else value[:300], ""


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0
