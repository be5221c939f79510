"""The list of runs as its address asks for it: narrowed, in an order, a page at a time."""

from __future__ import annotations

from typing import Any

from django.db.models import F, FloatField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.http import HttpRequest

from rest.paging import SIZE, Page, page_of

FILTERS = ("q", "state", "target", "family", "by")
# What the heads of the list sort by; a minus before it turns the order round. Without one: newest first.
ORDERS: dict[str, Any] = {
    "name": F("name"),
    "family": F("family"),
    "error": Coalesce(*(Cast(KT(f"metrics__test__{name}"), FloatField()) for name in ("log_loss", "rmse"))),
    "second": Coalesce(*(Cast(KT(f"metrics__test__{name}"), FloatField()) for name in ("auc", "r2"))),
    "time": Cast(KT("report__seconds"), FloatField()),
}


def asked(request: HttpRequest) -> dict[str, str]:
    """The filters that stand in the address."""
    return {name: request.GET.get(name, "").replace("\x00", "")[:160] for name in FILTERS}


def narrowed(runs: Any, filters: dict[str, str], person: Any) -> Any:
    """The runs that the filters leave. `by` is "me" or nothing."""
    if filters["q"]:
        runs = runs.filter(name__icontains=filters["q"])
    if filters["state"]:
        runs = runs.in_state(filters["state"])
    if filters["by"] == "me":
        runs = runs.filter(created_by=person)
    exact = {name: filters[name] for name in ("target", "family") if filters[name]}
    return runs.filter(**exact)


def page_in_order(request: HttpRequest, runs: Any) -> Page:
    """A page in the order of `?sort=`; what has no value comes last, either way."""
    sort = request.GET.get("sort", "")
    order = ORDERS.get(sort.removeprefix("-"))
    if order is None:
        return page_of(request, runs)
    text = request.GET.get("page", "1")
    number = max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1
    way = order.desc(nulls_last=True) if sort.startswith("-") else order.asc(nulls_last=True)
    first = SIZE * (number - 1)
    found = list(runs.order_by(way, "-created_at", "-pk")[first : first + SIZE + 1])
    following = _link(request, page=number + 1) if len(found) > SIZE else ""
    return Page(found[:SIZE], following, _link(request, page=None) if number > 1 else "")


def heads(request: HttpRequest) -> dict[str, dict[str, str]]:
    """For each order that a head offers: the link that sorts by it, or turns it round, and what is said of it now."""
    now = request.GET.get("sort", "")
    return {
        name: {
            "link": _link(request, sort=f"-{name}" if now == name else None if now == f"-{name}" else name, page=None),
            "aria": {name: "ascending", f"-{name}": "descending"}.get(now, "none"),
        }
        for name in ORDERS
    }


def _link(request: HttpRequest, **changes: Any) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"
