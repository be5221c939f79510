"""The recipe page: every act keeps the recipe and answers with what changed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from datasets.models import Dataset, Recipe
from tests.datasets.uploads import PEOPLE_CSV, post_dataset, upload

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def dataset(api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]) -> Dataset:
    answer = post_dataset(api_of("alice"), PEOPLE_CSV + b"Cy,51,NA,true\n")
    run_jobs()
    return Dataset.objects.get(pk=answer.json()["id"])


@pytest.fixture
def act(browser_of: Callable[[str], Client], dataset: Dataset) -> Callable[..., Any]:
    """`act("add", step="missing")`: press a button as Alice, on her recipe if there is one."""
    client = browser_of("alice")

    def press(name: str, /, **values: Any) -> Any:
        recipe = Recipe.objects.first()
        body = {"act": name, **({"recipe": str(recipe.pk)} if recipe else {}), **values}
        return client.post(f"/datasets/{dataset.pk}/recipe/", body, **HTMX)

    return press


def names() -> list[str]:
    return [step["step"] for step in Recipe.objects.get().steps]


def words(response: Any) -> str:
    """What a reader sees, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_empty_page_offers_the_steps(browser_of: Callable[[str], Client], dataset: Dataset) -> None:
    page = browser_of("alice").get(f"/datasets/{dataset.pk}/recipe/")
    assert page.status_code == 200
    assert "Start with a step" in words(page) and "Remove duplicates" in words(page)
    assert not Recipe.objects.exists()


def test_adding_a_step_shows_its_settings_and_effect(act: Callable[..., Any], dataset: Dataset) -> None:
    first = act("add", step="duplicates")
    url = f"/datasets/{dataset.pk}/recipe/?recipe={Recipe.objects.get().pk}"
    assert first["HX-Redirect"] == f"{url}&step=0"
    answer = act("add", step="missing")
    assert answer["HX-Replace-Url"] == f"{url}&step=1"
    text = words(answer)
    assert "Step 2: Missing values" in text and "2 cells changed" in text
    assert 'name="params.method"' in answer.content.decode()
    assert f"/runs/new/?dataset={dataset.pk}&amp;recipe={Recipe.objects.get().pk}" in answer.content.decode()


def test_removed_rows_and_columns_are_shown(act: Callable[..., Any]) -> None:
    act("add", step="duplicates")
    answer = act("settings", index="0", **{"params.keep": "first"})
    assert "−1 row" in words(answer) and 'class="row-removed"' in answer.content.decode()
    act("add", step="encode")
    answer = act("settings", index="1", columns=["name"], **{"params.method": "onehot"})
    assert "+3 columns" in words(answer) and "name=Ada" in words(answer)


def test_changed_cells_are_marked(act: Callable[..., Any]) -> None:
    act("add", step="missing")
    answer = act("settings", index="0", columns=["age"], **{"params.method": "constant", "params.value": "40"})
    assert '<td class="cell-changed">40 <del>–</del></td>' in answer.content.decode()
    assert Recipe.objects.get().steps[0]["params"]["value"] == "40"


def test_reorder_switch_remove_undo_redo(act: Callable[..., Any]) -> None:
    for step in ("duplicates", "missing", "normalise"):
        act("add", step=step)
    act("up", index="2")
    assert names() == ["duplicates", "normalise", "missing"]
    act("move", index="0", to="2")
    assert names() == ["normalise", "missing", "duplicates"]
    act("down", index="0")
    assert names() == ["missing", "normalise", "duplicates"]
    assert "switched off" in words(act("toggle", index="1"))
    assert Recipe.objects.get().steps[1]["enabled"] is False
    act("remove", index="1")
    assert names() == ["missing", "duplicates"]
    act("undo")
    act("undo")
    assert names() == ["missing", "normalise", "duplicates"] and Recipe.objects.get().steps[1]["enabled"]
    act("redo")
    act("redo")
    assert names() == ["missing", "duplicates"]
    act("redo")
    assert names() == ["missing", "duplicates"]
    act("undo")
    act("add", step="log")
    act("redo")
    assert names() == ["missing", "normalise", "duplicates", "log"]


def test_an_unfinished_step_is_kept_and_named(act: Callable[..., Any]) -> None:
    act("add", step="missing")
    answer = act("add", step="drop")
    assert names() == ["missing", "drop"]
    assert "name the columns that this step works on" in words(answer)
    assert "Mend step 2 before training" in words(answer) and "/runs/new/" not in answer.content.decode()


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"act": "add", "step": "bake"}, 422),
        ({"act": "settings", "index": "0", "params.threshold": "far"}, 422),
        ({"act": "settings", "index": "7"}, 422),
        ({"act": "move", "index": "0", "to": "-1"}, 422),
        ({"act": "fry"}, 422),
        ({"act": "undo", "recipe": "00000000-0000-0000-0000-000000000000"}, 404),
        ({"act": "undo", "recipe": "x"}, 404),
    ],
)
def test_what_cannot_be_done_is_refused(act: Callable[..., Any], values: dict[str, str], status: int) -> None:
    act("add", step="outliers")
    before = Recipe.objects.get().steps
    assert act(values.pop("act"), **values).status_code == status
    assert Recipe.objects.get().steps == before


def test_it_works_without_scripts(browser_of: Callable[[str], Client], dataset: Dataset) -> None:
    client = browser_of("alice")
    page = client.post(f"/datasets/{dataset.pk}/recipe/", {"act": "add", "step": "missing"}, follow=True)
    assert page.redirect_chain and "Step 1: Missing values" in words(page) and "<html" in page.content.decode()


def test_rename_new_and_delete(act: Callable[..., Any], browser_of: Callable[[str], Client], dataset: Dataset) -> None:
    act("add", step="missing")
    act("rename", name="For scoring")
    assert "For scoring" in words(browser_of("alice").get(f"/datasets/{dataset.pk}/recipe/"))
    assert "New recipe" in words(browser_of("alice").get(f"/datasets/{dataset.pk}/recipe/?recipe=new"))
    act("delete", confirm="something else")
    assert Recipe.objects.count() == 1
    act("delete", confirm="For scoring")
    assert not Recipe.objects.exists()


def test_readers_look_and_strangers_do_not(
    act: Callable[..., Any], browser_of: Callable[[str], Client], dataset: Dataset
) -> None:
    act("add", step="missing")
    url = f"/datasets/{dataset.pk}/recipe/"
    seen = browser_of("bob").get(f"{url}?step=0").content.decode()
    assert "Missing values" in seen and 'value="remove"' not in seen and 'value="add"' not in seen
    new = {"act": "add", "step": "duplicates"}
    own = str(Recipe.objects.get().pk)
    expected = {"bob": 403, "charlie": 404, "dana": 404, "mallory": 404, "erin": 403}
    for person, status in expected.items():
        for change in (new, {**new, "recipe": own}, {"act": "undo", "recipe": own}, {"act": "rename", "recipe": own}):
            assert browser_of(person).post(url, change).status_code == status, (person, change)
        looks = 200 if person == "bob" else status
        assert browser_of(person).get(url).status_code == looks, person
    assert names() == ["missing"]
    assert Client().get(url).status_code == 302


def test_before_the_import_is_done(browser_of: Callable[[str], Client], api_of: Callable[..., APIClient]) -> None:
    waiting = post_dataset(api_of("alice")).json()["id"]
    page = browser_of("alice").get(f"/datasets/{waiting}/recipe/")
    assert page.status_code == 200 and "Nothing to prepare yet" in words(page)


def test_the_page_draws_in_a_process_without_heavy_libraries() -> None:
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'atrium.settings'; import django; django.setup();"
        "import datasets.preparation.views, datasets.api.recipes; from datasets.recipe import STEPS; list(STEPS);"
        "heavy = {'torch', 'sklearn', 'pandas', 'polars'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_data_set_lists_its_recipes(
    act: Callable[..., Any], browser_of: Callable[[str], Client], dataset: Dataset
) -> None:
    tab = f"/datasets/{dataset.pk}/?tab=recipe"
    assert "Prepare the data" in words(browser_of("alice").get(tab))
    act("add", step="missing")
    assert "Recipe 1" in words(browser_of("bob").get(tab))


def test_the_menu_is_in_groups(act: Callable[..., Any], browser_of: Callable[[str], Client], dataset: Dataset) -> None:
    page = browser_of("alice").get(f"/datasets/{dataset.pk}/recipe/").content.decode()
    groups = re.findall(r'data-recipe-group aria-label="([^"]+)"', page)
    assert groups == [
        "Clean",
        "Fill",
        "Scale",
        "Encode",
        "Dates",
        "Text",
        "Columns",
        "Rows",
        "Combine",
        "Privacy",
        "Augment",
    ]
    assert "data-recipe-search" in page


def test_an_expression_shows_its_mistake_and_then_its_column(act: Callable[..., Any]) -> None:
    act("add", step="derive")
    answer = act("settings", index="0", **{"params.name": "monthly", "params.expression": "income /"})
    assert "ends too early (character 9)" in words(answer)
    answer = act("settings", index="0", **{"params.name": "monthly", "params.expression": "income / 12"})
    assert "+1 column" in words(answer) and "monthly number · added" in words(answer)


def test_columns_get_new_names(act: Callable[..., Any]) -> None:
    act("add", step="rename")
    names = {"params.names.name": ["age", ""], "params.names.text": ["years", ""]}
    answer = act("settings", index="0", **names)
    assert Recipe.objects.get().steps[0]["params"] == {"names": {"age": "years"}}
    assert "years" in words(answer)


def test_a_step_that_learns_from_the_target_waits_for_it(
    act: Callable[..., Any], browser_of: Callable[..., Any], dataset: Dataset
) -> None:
    act("add", step="target")
    answer = act("settings", index="0", columns=["name"])
    assert (
        "learned in training, from the column to predict" in words(answer) and "/runs/new/" in answer.content.decode()
    )
    act("target", target="member")
    page = browser_of("alice").get(f"/datasets/{dataset.pk}/recipe/?step=0")
    assert "4 cells changed" in words(page)


def test_a_newer_version_is_taken_over_by_hand(
    act: Callable[..., Any],
    browser_of: Callable[..., Any],
    api_of: Callable[..., APIClient],
    dataset: Dataset,
    run_jobs: Callable[..., Any],
) -> None:
    act("add", step="missing")
    act("settings", index="0", columns=["age"])
    newer = {"file": upload(b"name,income,city\nAda,1,Lyon\n")}
    api_of("alice").post(f"/api/v1/datasets/{dataset.pk}/versions/", newer, format="multipart")
    run_jobs()
    url = f"/datasets/{dataset.pk}/recipe/"
    text = words(browser_of("alice").get(url))
    assert "These steps are for version 1. Version 2 is there." in text and "columns that the steps use: age" in text
    assert "1 cell changed" in text and "New columns: city" in text
    act("take_over", version="2")
    text = words(browser_of("alice").get(f"{url}?step=0"))
    assert "there is no column &#x27;age&#x27;" in text and "Version 2 is there" not in text
    assert Recipe.objects.get().version == 2


def test_the_outcome_is_kept_as_a_data_set(
    act: Callable[..., Any], dataset: Dataset, run_jobs: Callable[..., Any]
) -> None:
    act("add", step="missing")
    answer = act("prepare", name="Without gaps")
    run_jobs()
    made = Dataset.objects.get(name="Without gaps")
    assert answer.url == f"/datasets/{made.pk}/" and made.versions.get().state == "ready"
    assert act("prepare", name="Without gaps").url.startswith(f"/datasets/{dataset.pk}/recipe/")
