"""Expressions: what they mean, in a table and in one row, and what is said where they are wrong."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from datasets.recipe import FittedRecipe, RecipeError, fit
from datasets.schema import Schema

SCHEMA = Schema.of(
    [
        ("age", "integer"),
        ("income", "number"),
        ("city name", "text"),
        ("owner", "boolean"),
        ("since", "date"),
        ("price", "number"),
    ]
)
ROW = {"age": 41, "income": 1200.0, "city name": " Zürich", "owner": True, "since": date(1969, 12, 31), "price": 0.0}
EMPTY = dict.fromkeys(ROW)


def values(expression: str, *rows: dict[str, Any]) -> list[Any]:
    """The derived values of a table, after making sure that each single row gives the same."""
    table = pl.DataFrame(
        list(rows),
        schema_overrides={
            "age": pl.Int64,
            "income": pl.Float64,
            "price": pl.Float64,
            "city name": pl.String,
            "owner": pl.Boolean,
            "since": pl.Date,
        },
    )
    steps = [{"step": "derive", "params": {"name": "made", "expression": expression}}]
    fitted = FittedRecipe.from_json(fit(steps, table, SCHEMA).dumps())
    made: list[Any] = fitted.transform(table, training=False).collect()["made"].to_list()
    assert [fitted.row()(row)["made"] for row in rows] == made
    return made


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("age + 1", 42.0),
        ("2 + age * 2 ** 2", 166.0),
        ("-age ** 2", -1681.0),
        ("-7 // 2 + age * 0", -4.0),
        ("-7 % 3 + age * 0", 2.0),
        ("income / price", None),
        ("log(price)", None),
        ("sqrt(-age)", None),
        ("(-age) ** 0.5", None),
        ("round(-2.5 + price, 0)", -3.0),
        ("min(age, income, 7)", 7.0),
        ("if(age >= 18, 'adult', 'child')", "adult"),
        ("if(owner and age > 50, 1, 0)", 0),
        ("upper(trim(`city name`))", "ZÜRICH"),
        ("length(`city name`)", 7),
        ("contains(`city name`, 'ü') and not starts(`city name`, 'Z')", True),
        ('concat(trim(`city name`), "-", text(age))', "Zürich-41"),
        ("oneof(age, 40, 41)", True),
        ("year(since) + month(since)", 1981.0),
        ("days(date('1970-01-01'), since)", 1.0),
        ("since < date('1970-01-01')", True),
        ("if(owner, since, date('2024-01-01'))", datetime(1969, 12, 31)),
        ("coalesce(missing, age)", 41),
        ("number(owner)", 1.0),
    ],
)
def test_values(expression: str, value: Any) -> None:
    assert values(expression, ROW) == [value]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("age + 1", None),
        ("if(age > 1, 1, 2)", None),
        ("isnull(age)", True),
        ("coalesce(age, 7)", 7),
        ("owner and false", False),
        ("owner or true", True),
        ("owner or false", None),
        ("not owner", None),
        ("concat(`city name`, 'x')", None),
        ("min(age, 1)", None),
        ("year(since)", None),
    ],
)
def test_missing_values_go_through(expression: str, value: Any) -> None:
    assert values(expression, EMPTY, ROW)[0] == value


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "write how the column is computed"),
        ("1 + 2", "names no column"),
        ("agee + 1", "there is no column 'agee'"),
        ("age +", "the expression ends too early (character 6)"),
        ("age 1", "expected an operator before '1' (character 5)"),
        ("(age", "expected ')' (character 5)"),
        ("age $ 1", "'$' has no meaning here (character 5)"),
        ("`city name` + 1", "+ takes number here, got text (character 1)"),
        ("age = 'x'", "different types: integer and text (character 5)"),
        ("lenght(`city name`)", "did you mean length?"),
        ("if(age, 1, 2)", "if takes boolean here, got integer"),
        ("round(age)", "round takes 2 values, got 1"),
        ("round(age, age)", "takes a fixed value here"),
        ("date('31.12.2024') > since", "write the date as 2024-12-31"),
        ("owner < true", "have no order"),
        ("__import__('os').system('x')", "has no meaning here"),
        ("+".join(["age"] * 400), "too long"),
    ],
)
def test_mistakes_are_named_with_their_place(expression: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        values(expression, ROW)
    assert caught.value.errors[0]["field"].startswith("steps[0].params.expression") and says in str(caught.value)


def test_nothing_typed_becomes_code() -> None:
    strange = '"); import os; ("'
    schema = Schema.of([("a", "text")])
    steps = [{"step": "derive", "params": {"name": strange, "expression": f"concat(a, '{strange}')"}}]
    fitted = fit(steps, pl.DataFrame({"a": ["x"]}), schema)
    assert fitted.row()({"a": "x"}) == {"a": "x", strange: f"x{strange}"}


def test_a_filter_by_the_target_is_allowed_and_a_feature_from_it_is_not() -> None:
    table = pl.DataFrame({"a": [1.0, 2.0, 3.0], "y": [0.0, 5.0, 9.0]})
    schema = Schema.of([("a", "number"), ("y", "number")])
    kept = fit([{"step": "filter", "params": {"condition": "y > 1"}}], table, schema, target="y")
    assert kept.transform(table, training=True).collect().height == 2
    with pytest.raises(RecipeError, match="is the target"):
        fit([{"step": "derive", "params": {"name": "leak", "expression": "y * 2"}}], table, schema, target="y")
