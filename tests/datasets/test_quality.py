"""The quality score with its reasons, what was found, and what mends it with one click."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from datasets.models import Dataset, DatasetVersion, Recipe
from datasets.quality import findings
from datasets.scoring import FAULTS, score
from departments.services import create_grant
from jobs.testing import run_pending
from tests.datasets.uploads import post_dataset

Browser = Callable[[str], Client]
Api = Callable[..., APIClient]

MESSY = "code,city,mail,amount,age\n" + "".join(
    f"{i:05d},{'Oslo' if i % 4 else 'oslo '},p{i % 60}@post.example,{i * 7 % 90 if i != 5 else 9000},{'' if i % 3 else i}\n"
    for i in range(200)
)


@pytest.fixture
def dataset(api_of: Api, db: None) -> Dataset:
    post_dataset(api_of("alice"), MESSY.encode())
    run_pending()
    return Dataset.objects.get()


def table(**changes: Any) -> dict[str, Any]:
    """The profile of a table of 100 rows without a fault, changed."""
    column = {
        "type": "text", "missing": 0, "missing_share": 0.0, "present": 100, "distinct": 5, "constant": False, "id_like": False,
        "patterns": [], "padded": 0, "variants": None,
    }  # fmt: skip
    whole = {"rows": 100, "duplicate_rows": 0, "by_column": {"a": {**column, **changes}, "b": column}}
    return whole | {key: value for key, value in changes.items() if key in whole}


def test_a_table_without_a_fault_has_all_points() -> None:
    assert score(table()).value == 100 and score(table()).deductions == () and findings(table()) == []


@pytest.mark.parametrize(
    ("fault", "changes", "set_aside"),
    [
        ("completeness", {"missing": 60, "missing_share": 0.6, "present": 40}, (0, 0)),
        ("validity", {}, (5, 0)),
        ("validity", {}, (0, 4)),
        ("validity", {"infinite": 3}, (0, 0)),
        ("uniqueness", {"duplicate_rows": 9}, (0, 0)),
        ("consistency", {"variants": {"groups": 1, "rows": 8, "examples": []}}, (0, 0)),
        ("consistency", {"padded": 3}, (0, 0)),
        ("consistency", {"patterns": [{"pattern": "99", "count": 95}, {"pattern": "aa", "count": 5}]}, (0, 0)),
        ("information", {"constant": True}, (0, 0)),
        ("outliers", {"type": "number", "outliers": {"count": 4}}, (0, 0)),
        ("continuity", {"type": "date", "series": {"missing": 1}}, (0, 0)),
    ],
)
def test_each_fault_takes_its_points(fault: str, changes: dict[str, Any], set_aside: tuple[int, int]) -> None:
    scored = score(table(**changes), *set_aside)
    assert [each.name for each in scored.deductions] == [fault]
    most = next(each.most for each in FAULTS if each.name == fault)
    assert 0 < scored.deductions[0].points <= most and scored.value < 100


def test_reasons_add_up_and_never_take_more_than_there_is(dataset: Dataset) -> None:
    version = DatasetVersion.objects.get()
    scored = score(version.profile)
    assert scored.value == round(100 - sum(each.points for each in scored.deductions)) == version.quality
    assert sum(each.most for each in FAULTS) == 100
    everything = table(
        missing=100, present=0, constant=True, duplicate_rows=100, padded=100, outliers={"count": 100}, infinite=100,
        series={"missing": 100}, distinct=1,
    )  # fmt: skip
    assert 0 <= score(everything, 10**6, 10**6).value < 30


def test_findings_name_the_columns_and_the_step_that_mends_them(dataset: Dataset) -> None:
    found = {each.check: each for each in findings(DatasetVersion.objects.get().profile, quarantined_cells=2)}
    assert set(found) == {"quarantined", "personal", "missing", "id-like", "variants"}
    assert found["personal"].columns == ["mail"] and found["variants"].columns == ["city"]
    assert found["personal"].fixes[0].step == "drop" and found["variants"].fixes[0].step == "text"
    assert found["missing"].fixes[0].params == {"method": "median", "indicator": "true"}


def test_the_score_stands_on_the_page_in_the_list_and_in_the_api(
    browser_of: Browser, api_of: Api, dataset: Dataset
) -> None:
    value = DatasetVersion.objects.get().quality
    alice = browser_of("alice")
    page = alice.get(f"/datasets/{dataset.pk}/?tab=quality").content.decode()
    assert f"<strong>{value}</strong>" in page and "Completeness" in page and "E-mail address" in page
    assert "heatmap" in page and "Strongest pairs" in page
    assert "@post.example" not in page
    assert f'<td class="num">{value}</td>' in alice.get("/datasets/").content.decode()
    assert api_of("alice").get(f"/api/v1/datasets/{dataset.pk}/").json()["version"]["quality"] == value


def press(client: Client, dataset: Dataset, label: str) -> str:
    """Press a fix's button on the Quality tab; where it leads."""
    page = client.get(f"/datasets/{dataset.pk}/?tab=quality").content.decode()
    forms = re.findall(r'<form method="post"[^>]*class="fix">(.*?)</form>', page, re.DOTALL)
    form = next(each for each in forms if f">{label}<" in each)
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    return str(client.post(f"/datasets/{dataset.pk}/recipe/", fields).url)


def test_one_click_adds_the_step_to_a_recipe(browser_of: Browser, dataset: Dataset) -> None:
    alice = browser_of("alice")
    url = press(alice, dataset, "Write them alike")
    recipe = Recipe.objects.get()
    assert str(recipe.pk) in url and "step=0" in url
    assert recipe.steps[0]["step"] == "text" and recipe.steps[0]["columns"] == ["city"]
    assert alice.get(url).status_code == 200
    press(alice, dataset, "Leave out")
    recipe.refresh_from_db()
    assert [step["step"] for step in recipe.steps] == ["text", "drop"] and recipe.steps[1]["columns"] == ["mail"]


def test_readers_get_no_buttons(browser_of: Browser, dataset: Dataset) -> None:
    page = browser_of("bob").get(f"/datasets/{dataset.pk}/?tab=quality").content.decode()
    assert "What was found" in page and 'class="fix"' not in page


def test_a_grant_on_some_columns_shows_their_findings_alone(
    browser_of: Browser, dataset: Dataset, people: Any, departments: Any
) -> None:
    create_grant(
        obj=dataset, department=departments.clinic, verbs=["preview"], created_by=people.mona, columns=["city", "amount"]
    )  # fmt: skip
    dana = browser_of("dana")
    for tab in ("quality", "columns"):
        page = dana.get(f"/datasets/{dataset.pk}/?tab={tab}").content.decode()
        assert "city" in page and not re.search(r"(>|column=|× )(mail|code)\b", page)


def test_columns_are_searched_filtered_and_paged(browser_of: Browser, api_of: Api, db: None) -> None:
    names = [f"x{i}" for i in range(130)]
    post_dataset(api_of("alice"), (",".join([*names, "word"]) + "\n" + ("1," * 130 + "a\n") * 3).encode())
    run_pending()
    alice, base = browser_of("alice"), f"/datasets/{Dataset.objects.get().pk}/?tab=columns"

    def shown(query: str) -> list[str]:
        page = alice.get(base + query).content.decode()
        return re.findall(r"<strong>([^<]+)</strong> <small", page)

    assert shown("") == names[:50] and shown("&page=3") == [*names[100:], "word"]
    assert shown("&column=X12") == ["x12", *names[120:130]] and shown("&type=text") == ["word"]
    assert len(shown("&finding=constant")) == 50 and shown("&finding=personal") == []
    assert "No column fits" in alice.get(f"{base}&column=zebra").content.decode()
