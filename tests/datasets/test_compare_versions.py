"""What changed between two versions: equal to what pandas finds, matched by key or by whole rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import polars as pl
import pytest
from django.core.files.base import ContentFile
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from datasets.diffs.compare import BadKey, Side, compare
from datasets.schema import Schema
from datasets.services import add_version, create_dataset
from departments.access import actor_for

TYPES = {pl.Int64: "integer", pl.Float64: "number", pl.String: "text", pl.Boolean: "boolean"}


def side(folder: Path, name: str, frame: pl.DataFrame) -> Side:
    path = folder / f"{name}.parquet"
    frame.write_parquet(path)
    return Side(path, Schema.of((n, TYPES[type(dtype)]) for n, dtype in frame.schema.items()))


rows = st.dictionaries(
    st.integers(0, 30),
    st.tuples(st.one_of(st.none(), st.integers(-3, 3)), st.sampled_from([None, "a", "b", ""])),
    min_size=1,
)


def frame_of(cells: dict[int, tuple[Any, Any]]) -> pl.DataFrame:
    data = [(key, number, text) for key, (number, text) in cells.items()]
    return pl.DataFrame(data, schema={"id": pl.Int64, "n": pl.Int64, "t": pl.String}, orient="row")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=rows, after=rows)
def test_counts_by_key_are_the_dictionaries(tmp_path: Path, before: dict[int, Any], after: dict[int, Any]) -> None:
    report = compare(side(tmp_path, "a", frame_of(before)), side(tmp_path, "b", frame_of(after)), ["id"])
    both = before.keys() & after.keys()
    changed = {key for key in both if before[key] != after[key]}
    assert report["rows"] == {
        "before": len(before), "after": len(after), "added": len(after.keys() - both),
        "removed": len(before.keys() - both), "changed": len(changed), "unchanged": len(both) - len(changed),
    }  # fmt: skip
    by_column = {name: sum(before[k][i] != after[k][i] for k in both) for i, name in enumerate("nt")}
    assert report["changed_by_column"] == {name: count for name, count in by_column.items() if count}
    assert {each["key"]["id"] for each in report["examples"]["changed"]} <= changed
    for each in report["examples"]["changed"]:
        old, new = before[each["key"]["id"]], after[each["key"]["id"]]
        assert each["cells"] == {name: [old[i], new[i]] for i, name in enumerate("nt") if old[i] != new[i]}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(st.integers(0, 4), min_size=1), after=st.lists(st.integers(0, 4), min_size=1))
def test_whole_rows_are_counted_as_often_as_they_stand(tmp_path: Path, before: list[int], after: list[int]) -> None:
    report = compare(*(side(tmp_path, n, pl.DataFrame({"x": v})) for n, v in (("a", before), ("b", after))))
    a, b = pd.Series(before).value_counts(), pd.Series(after).value_counts()
    kept = sum(min(a[value], b[value]) for value in a.index.intersection(b.index))
    assert (report["rows"]["removed"], report["rows"]["added"]) == (len(before) - kept, len(after) - kept)


def test_columns_and_distributions(tmp_path: Path) -> None:
    old = pl.DataFrame({"id": range(100), "x": [float(i) for i in range(100)], "c": ["a", "b"] * 50, "gone": [1] * 100})
    new = old.drop("gone").with_columns(
        x=pl.col("x") + 30, c=pl.lit("a"), id=pl.col("id").cast(pl.String), new=pl.lit(True)
    )
    report = compare(side(tmp_path, "a", old), side(tmp_path, "b", new))
    assert report["columns"] == {
        "added": ["new"], "removed": ["gone"], "retyped": [{"name": "id", "from": "integer", "to": "text"}]
    }  # fmt: skip
    moved = {each["name"]: each for each in report["shift"]}
    assert moved["x"]["distance"] == pytest.approx(0.3) and moved["x"]["mean"] == [49.5, 79.5]
    assert moved["c"]["distance"] == pytest.approx(0.5) and moved["c"]["moved"]


def test_a_key_that_tells_no_rows_apart_is_refused(tmp_path: Path) -> None:
    a, b = pl.DataFrame({"k": [1, 1], "x": [1, 2]}), pl.DataFrame({"k": [1, None], "x": [1, 2]})
    with pytest.raises(BadKey, match="1 rows repeat"):
        compare(side(tmp_path, "a", a), side(tmp_path, "b", a), ["k"])
    with pytest.raises(BadKey, match="missing in some rows"):
        compare(side(tmp_path, "a", b), side(tmp_path, "b", b), ["k"])


@pytest.fixture
def dataset(people: SimpleNamespace, departments: SimpleNamespace, run_jobs: Callable[..., Any]) -> Any:
    def csv(*lines: str) -> ContentFile:
        return ContentFile("\n".join(["id,income,grade", *lines]).encode(), name="loans.csv")

    actor = actor_for(people.alice)
    first = [f"{i},{100 + i},{'ab'[i % 2]}" for i in range(40)]
    second = [*first[2:], "77,5,a", "3,999,b"]
    second.remove(first[3])
    made = create_dataset(actor=actor, department=departments.credit_risk, name="Loans", file=csv(*first))
    add_version(actor=actor, dataset=made, file=csv(*second))
    run_jobs()
    return made


def test_the_api_says_it(dataset: Any, api_of: Callable[..., APIClient]) -> None:
    url = f"/api/v1/datasets/{dataset.pk}/versions/2/diff/"
    answer = api_of("bob").get(url, {"against": 1, "key": "id"})
    assert answer.status_code == 200, answer.data
    assert answer.data["rows"] | {"before": 0, "after": 0} == {
        "before": 0, "after": 0, "added": 1, "removed": 2, "changed": 1, "unchanged": 37
    }  # fmt: skip
    assert answer.data["examples"]["changed"] == [{"key": {"id": 3}, "cells": {"income": [103, 999]}}]
    assert answer.data["keys"][0] == "id"
    assert api_of("bob").get(url, {"against": 9}).status_code == 404
    assert api_of("bob").get(url).data["errors"][0]["field"] == "against"
    assert api_of("bob").get(url, {"against": 1, "key": "grade"}).status_code == 422
    assert api_of("charlie").get(url, {"against": 1}).status_code == 404
    assert api_of("erin").get(url, {"against": 1}).status_code == 403


def test_the_page_matches_rows_by_the_column_that_names_them(dataset: Any, browser_of: Callable[[str], Client]) -> None:
    page = browser_of("alice").get(f"/datasets/{dataset.pk}/compare/")
    assert page.context["key"] == ["id"] and page.context["report"]["rows"]["changed"] == 1
    assert "Some changed rows" in page.content.decode()
    refused = browser_of("alice").get(f"/datasets/{dataset.pk}/compare/?key=grade")
    assert refused.status_code == 422 and "repeat another row" in refused.content.decode()


def test_a_large_comparison_is_left_to_a_job(
    dataset: Any, api_of: Callable[..., APIClient], run_jobs: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.diffs.services.AT_ONCE", 10)
    url = f"/api/v1/datasets/{dataset.pk}/versions/2/diff/?against=1&key=id"
    waiting = api_of("bob").get(url)
    assert waiting.status_code == 409 and waiting.data["code"] == "being_compared"
    run_jobs()
    assert api_of("bob").get(url).data["rows"]["changed"] == 1
