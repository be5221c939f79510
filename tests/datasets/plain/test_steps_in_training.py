"""Steps that treat the training rows in their own way: target means, added rows, the row before, and the keys of pseudonyms."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from datasets.recipe import Around, FittedRecipe, RecipeError, fit
from datasets.schema import Schema
from datasets.steps import _keys

SCHEMA = Schema.of([("city", "text"), ("size", "number"), ("day", "date"), ("y", "integer")])


def table(rows: int = 60) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "city": [("Lyon", "北京", "Zürich")[i % 3] for i in range(rows)],
            "size": [None if i % 4 == 3 else float(i) for i in range(rows)],
            "day": [date(2024, 1, 1 + (i * 7) % 28) for i in range(rows)],
            "y": [int(i % 6 == 0) for i in range(rows)],
        }
    )


def fitted(frame: pl.DataFrame, step: str, columns: list[str], **params: Any) -> FittedRecipe:
    steps = [{"step": step, "columns": columns, "params": params}]
    return fit(steps, frame, SCHEMA, target="y", around=Around(scope="credit-risk"))


def test_no_training_row_sees_its_own_target() -> None:
    """Another answer in one row changes what others get, never what that row gets."""
    frame = table()
    other = frame.with_columns(y=pl.when(pl.int_range(pl.len()) == 7).then(1).otherwise("y"))
    one, two = (fitted(f, "target", ["city"]).transform(f, training=True).collect()["city"] for f in (frame, other))
    assert one[7] == two[7] and not one.equals(two)


def test_the_target_is_not_needed_to_predict() -> None:
    row = FittedRecipe.from_json(fitted(table(), "target", ["city"]).dumps()).row()
    assert row({"city": "Lyon"})["city"] > row({"city": "北京"})["city"] == row({"city": "Zürich"})["city"]
    assert row({"city": "Atlantis"})["city"] == pytest.approx(table()["y"].mean())


@pytest.mark.parametrize("method", ["between", "copy"])
def test_rare_classes_are_filled_up_in_training_only(method: str) -> None:
    frame = table()
    recipe = fitted(frame, "oversample", ["size"], method=method)
    made = recipe.transform(frame, training=True).collect()
    assert made["y"].value_counts().sort("y")["count"].to_list() == [50, 50]
    assert made.head(60).equals(frame) and recipe.transform(frame, training=False).collect().equals(frame)
    added, rare = made.tail(40)["size"].drop_nulls(), frame.filter(pl.col("y") == 1)["size"].drop_nulls()
    assert rare.min() <= added.min() and added.max() <= rare.max()  # type: ignore[operator]
    assert made.equals(recipe.transform(frame, training=True).collect())


def test_a_gap_is_filled_from_before_it_in_its_group_and_order() -> None:
    frame = pl.DataFrame(
        {
            "city": ["a", "b", "a", "a", "b", None],
            "size": [1.0, None, None, 3.0, 4.0, None],
            "day": [date(2024, 1, d) for d in (1, 1, 5, 3, 2, 1)],
            "y": [0] * 6,
        }
    )
    recipe = fitted(frame, "fill_forward", ["size"], groups=["city"], order="day")
    assert recipe.transform(frame, training=True).collect()["size"].to_list() == [1.0, None, 3.0, 3.0, 4.0, None]
    row = recipe.row()
    assert [row({"city": city})["size"] for city in ("a", "b", "c", None)] == [3.0, 4.0, None, None]


def test_duplicates_by_the_newest() -> None:
    frame = table(9)
    made = fitted(frame, "duplicates", ["city"], keep="highest", by="day").transform(frame, training=True).collect()
    expected = frame.sort("day", descending=True, maintain_order=True).unique("city", keep="first")
    assert made.sort("city").equals(expected.sort("city"))
    assert fitted(frame, "duplicates", ["city"], keep="none").transform(frame, training=True).collect().is_empty()


def test_pseudonyms_need_the_key_that_is_nowhere_in_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_keys, "_source", lambda: b"the master key")
    recipe = fitted(table(), "pseudonym", ["city"], key="patients")
    text, made = recipe.dumps(), recipe.row()({"city": "Lyon"})["city"]
    assert _keys.key("credit-risk", "patients").hex() not in text and "Lyon" not in text and len(made) == 20
    other = fitted(table(), "pseudonym", ["city"], key="others").row()({"city": "Lyon"})["city"]
    assert other != made and _keys.key("retail", "patients") != _keys.key("credit-risk", "patients")

    exported = _keys.scope_key("credit-risk").hex()
    monkeypatch.setattr(_keys, "_source", None)
    again = FittedRecipe.from_json(text)
    with pytest.raises(LookupError, match="no key"):
        again.row()({"city": "Lyon"})
    monkeypatch.setenv(_keys.VARIABLE, "00" * 32)
    with pytest.raises(LookupError, match="another one"):
        again.row()({"city": "Lyon"})
    monkeypatch.setenv(_keys.VARIABLE, exported)
    assert again.row()({"city": "Lyon"})["city"] == made


def test_what_is_too_much_to_learn_is_refused_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.steps._lookup.MAX_KEYS", 2)
    with pytest.raises(RecipeError, match="3 different values are too many"):
        fitted(table(), "frequency", ["city"])
