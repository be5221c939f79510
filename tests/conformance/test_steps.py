"""Every registered preparation step keeps the recipe's promises: JSON, three equal readers, clear refusals."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from datasets.recipe import STEPS, Around, FittedRecipe, RecipeError, Step, fit, preview
from datasets.schema import NUMERIC, TYPES, Schema
from datasets.steps._base import GROUPS
from plugins.params import Param, ParamError, validate_params
from tests.conformance import expressions

ALL = [pytest.param(step, id=step.name) for step in STEPS]
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(10**9), 10**9) | st.integers(-3, 3),
    "number": st.floats(-1e9, 1e9, allow_subnormal=False) | st.sampled_from([0.0, 0.1, 1.5, math.nan]),
    "boolean": st.booleans(),
    "date": st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    "datetime": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    "text": st.sampled_from(["a", "b", "Zürich", "北京", "", "other", " a", "x=y"]) | st.text(max_size=4),
}
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=6)
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
DTYPES = {
    "integer": pl.Int64,
    "number": pl.Float64,
    "boolean": pl.Boolean,
    "date": pl.Date,
    "datetime": pl.Datetime("us"),
    "text": pl.String,
}


def values(param: Param, schema: Schema) -> st.SearchStrategy[Any]:
    """Values that the declaration allows, at its edges too."""
    if param.kind == "choice":
        return st.sampled_from(param.choices)
    if param.kind == "bool":
        return st.booleans()
    if param.kind in ("int", "float"):
        assert param.low is not None and param.high is not None, f"{param.name} has no range"
        numbers = (
            st.integers(int(param.low), int(param.high)) if param.kind == "int" else st.floats(param.low, param.high)
        )
        return numbers | st.just(param.default)
    suited = [column.name for column in schema if not param.types or column.type in param.types]
    if param.kind == "expression":
        return (expressions.truths if param.name == "condition" else expressions.any_type)(schema)
    if param.kind == "numbers":
        return st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=4, unique=True).map(sorted)
    if param.kind == "pairs" and any(column.type in ("text", "integer", "boolean") for column in schema):
        # For a join the other table's columns are called after their types.
        keys = [(column.name, column.type) for column in schema if column.type in ("text", "integer", "boolean")]
        return st.sampled_from(keys).map(lambda pair: dict([pair])) | pairs_of(schema)
    if param.kind == "pairs":
        return pairs_of(schema)
    if param.kind == "column":
        return st.sampled_from([*suited, param.default] if param.optional else suited or [None])
    if param.kind == "columns":
        return st.lists(st.sampled_from(suited), min_size=1, max_size=2, unique=True) if suited else st.just([])
    if param.kind == "table":
        return st.just("other@1")
    if param.kind == "names":
        return st.lists(st.sampled_from(OTHER.schema.names), min_size=1, max_size=3, unique=True)
    return st.sampled_from(["0", "1.5", "true", "2024-02-29", "x"])


def pairs_of(schema: Schema) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(schema.names), NAMES, min_size=1, max_size=3)


@dataclass
class Other:
    """Another table, for steps that join."""

    schema: Schema
    rows: pl.DataFrame

    def frame(self) -> pl.LazyFrame:
        return self.rows.lazy()


OTHER = Other(
    Schema.of(
        [("text", "text"), ("integer", "integer"), ("boolean", "boolean"), ("since", "date"), ("rate", "number")]
    ),
    pl.DataFrame(
        {
            "text": ["a", "北京", "", None],
            "integer": [0, 1, -1, 2],
            "boolean": [True, False, None, None],
            "since": [date(2024, 1, 1), None, date(1960, 2, 29), date(2000, 1, 1)],
            "rate": [0.5, math.nan, math.inf, 1e300],
        }
    ),
)
AROUND = Around(tables={"other@1": OTHER}, scope="tests")


def columns(rows: int, type_: str) -> st.SearchStrategy[list[Any]]:
    """Cells with gaps; sometimes a constant column, sometimes one without any value."""
    cell = CELLS[type_]
    mixed = st.lists(st.none() | cell, min_size=rows, max_size=rows)
    return mixed | cell.map(lambda value: [value] * rows) | st.just([None] * rows)


@st.composite
def tables(draw: st.DrawFn, schema: Schema) -> pl.DataFrame:
    rows = draw(st.integers(0, 12))
    data = {column.name: draw(columns(rows, column.type)) for column in schema}
    return pl.DataFrame(data, schema={column.name: DTYPES[column.type] for column in schema})


@st.composite
def cases(draw: st.DrawFn, step: Step) -> tuple[Schema, list[dict[str, Any]], pl.DataFrame, pl.DataFrame]:
    """A schema, one use of the step, training rows, and other rows: with categories that training never saw."""
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=5))
    names = draw(st.lists(NAMES, min_size=len(types), max_size=len(types), unique=True))
    target = draw(st.sampled_from(["integer", "boolean", "text"]))
    schema = Schema.of([*zip(names, types, strict=True), ("never chosen", target)])
    params = {param.name: draw(values(param, schema)) for param in step.params}
    validated = validate_params(step.params, params)
    chosen: list[str] = []
    if step.takes_columns:
        usable = [column.name for column in schema.columns[:-1] if column.type in step.accepted(validated)]
        assume(usable)
        chosen = draw(st.lists(st.sampled_from(usable), min_size=1, unique=True))
    assume(not any("never chosen" in names for names in map(str, params.values())))
    use = {"step": step.name, "columns": chosen, "params": params}
    return schema, [use], draw(tables(schema)), draw(tables(schema))


def fitting(steps: list[dict[str, Any]], table: pl.DataFrame, schema: Schema) -> FittedRecipe:
    """Fit; what a step learns from, where it needs it, is the last column."""
    validated = validate_params(STEPS[steps[0]["step"]].params, steps[0].get("params") or {})
    target = schema.names[-1] if STEPS[steps[0]["step"]].needs_target(validated) else None
    return fit(steps, table, schema, target=target, around=AROUND)


def fitted_or_skip(steps: list[dict[str, Any]], table: pl.DataFrame, schema: Schema) -> FittedRecipe:
    """Fit; parameters that contradict the columns are refused, which is its own test."""
    try:
        return fitting(steps, table, schema)
    except RecipeError:
        assume(False)
        raise


def assert_equal(bulk: dict[str, Any], row: dict[str, Any]) -> None:
    assert list(bulk) == list(row)
    for name, expected in bulk.items():
        value = row[name]
        if expected is None or value is None or not isinstance(expected, int | float):
            assert value == expected, name
        else:
            assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9), name


@pytest.mark.parametrize("step", ALL)
def test_it_declares_itself(step: Step) -> None:
    assert step.name.isidentifier() and step.label and step.help.endswith(".") and step.icon
    assert step.group in GROUPS
    assert set(step.applies_to) <= set(TYPES)
    for param in step.params:
        assert param.help.endswith("."), param.name
        if param.default is not None:
            assert param.validate(param.default) == param.default


@pytest.mark.parametrize("step", ALL)
@quick
@given(data=st.data())
def test_bulk_and_row_agree(step: Step, data: st.DataObject) -> None:
    schema, steps, training, others = data.draw(cases(step))
    fitted = fitted_or_skip(steps, training, schema)
    row = fitted.row()
    for table in (training, others):
        bulk = fitted.transform(table, training=False).collect()
        assert bulk.height == table.height
        for given_row, expected in zip(table.iter_rows(named=True), bulk.iter_rows(named=True), strict=True):
            assert_equal(expected, row(given_row))


@pytest.mark.parametrize("step", ALL)
@quick
@given(data=st.data())
def test_fitted_json_comes_back_equal(step: Step, data: st.DataObject) -> None:
    schema, steps, training, others = data.draw(cases(step))
    fitted = fitted_or_skip(steps, training, schema)
    again = FittedRecipe.from_json(json.loads(json.dumps(fitted.to_json(), allow_nan=False)))
    assert again.dumps() == fitted.dumps() == fitting(steps, training, schema).dumps()
    first = fitted.transform(others, training=True).collect()
    assert first.equals(again.transform(others, training=True).collect())


@pytest.mark.parametrize("step", ALL)
@quick
@given(data=st.data())
def test_output_is_what_the_schema_says(step: Step, data: st.DataObject) -> None:
    schema, steps, training, others = data.draw(cases(step))
    fitted = fitted_or_skip(steps, training, schema)
    made = fitted.transform(others, training=True).collect()
    assert made.columns == fitted.output_schema.names
    for column in fitted.output_schema:
        dtype = made.schema[column.name]
        assert dtype.is_numeric() if column.type in NUMERIC else dtype == DTYPES[column.type], column.name


@pytest.mark.parametrize("step", ALL)
def test_only_training_rows_are_removed(step: Step) -> None:
    """A step that works on training rows only leaves every other row alone; no step removes rows at prediction."""
    schema, table = SMALL, small_table()
    for choices in _each_choice(step):
        validated = validate_params(step.params, choices)
        suited = [column.name for column in schema if column.type in step.accepted(validated)]
        columns = suited[:1] if step.takes_columns else []
        fitted = fitting([{"step": step.name, "columns": columns, "params": choices}], table, schema)
        predicted = fitted.transform(table, training=False).collect()
        trained = fitted.transform(table, training=True).collect()
        assert predicted.height == 8
        if step.training_only(validated):
            assert predicted.equals(table) and not trained.equals(table), choices
        else:
            assert trained.height == 8


@pytest.mark.parametrize("step", ALL)
def test_the_preview_shows_what_training_would_get(step: Step, tmp_path: Path) -> None:
    """Also where only the columns that the step reads are loaded."""
    table = small_table()
    table.write_parquet(tmp_path / "table.parquet")
    for choices in _each_choice(step):
        validated = validate_params(step.params, choices)
        suited = [column.name for column in SMALL if column.type in step.accepted(validated)]
        steps = [{"step": step.name, "columns": suited[:1] if step.takes_columns else [], "params": choices}]
        target = "class" if step.needs_target(validated) else None
        report = preview(steps, tmp_path / "table.parquet", SMALL, target=target, around=AROUND)
        assert "error" not in report["steps"][0], report["steps"][0]
        trained = fitting(steps, table, SMALL).transform(table, training=True).collect()
        assert report["rows_after"] == trained.height
        assert [column["name"] for column in report["columns_after"]] == trained.columns


SMALL = Schema.of([("a", "integer"), ("b", "date"), ("c", "text"), ("class", "text")])


def small_table() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "a": [1, 1, None, 2, 3, 2, 1, 999],
            "b": [date(2024, 1, 1)] * 8,
            "c": ["x", "x", None, "y", "y", "x", "x", "z"],
            "class": ["no"] * 6 + ["yes"] * 2,
        }
    )


def _each_choice(step: Step) -> list[dict[str, Any]]:
    """The simplest complete parameters, with each choice of each parameter in turn."""
    simple = {param.name: SIMPLE[param.kind] for param in step.params if param.kind in SIMPLE}
    simple |= {
        name: value for name, value in BY_NAME.items() if any(p.name == name and p.kind != "bool" for p in step.params)
    }
    return [simple] + [{**simple, p.name: choice} for p in step.params for choice in p.choices]


SIMPLE: dict[str, Any] = {"expression": "a > 1", "numbers": [2.0], "pairs": {"a": "integer"}, "names": ["rate"]}
BY_NAME: dict[str, Any] = {
    "value": "0",
    "name": "made",
    "by": "b",
    "column": "a",
    "day": "2024-12-31",
    "table": "other@1",
    "share": 0.3,
}


@pytest.mark.parametrize("step", ALL)
def test_bad_parameters_are_refused_with_value_and_allowed(step: Step) -> None:
    schema = Schema.of([(type_, type_) for type_ in TYPES])
    for param in step.params:
        if param.kind in ("text", "expression", "column", "table"):
            continue
        with pytest.raises(ParamError):
            param.validate("no such value")
        with pytest.raises(RecipeError) as caught:
            fit([{"step": step.name, "params": {param.name: "no such value"}}], pl.DataFrame(), schema)
        [error] = caught.value.errors
        assert error["field"] == f"steps[0].params.{param.name}"
        assert "no such value" in error["message"] and param.allowed() in error["message"]


@pytest.mark.parametrize("step", ALL)
def test_wrong_column_types_are_refused(step: Step) -> None:
    refused = [type_ for type_ in TYPES if type_ not in step.applies_to] if step.takes_columns else []
    for type_ in refused:
        with pytest.raises(RecipeError) as caught:
            fit([{"step": step.name, "columns": ["c"]}], pl.DataFrame(), Schema.of([("c", type_)]))
        assert caught.value.errors[0]["field"] == "steps[0].columns[0]"
        assert type_ in caught.value.errors[0]["message"]


def test_declarations_and_rows_need_no_heavy_library() -> None:
    """A web process lists the steps, and answers a prediction, without polars or any other table library."""
    code = (
        "import sys; from datasets.recipe import FittedRecipe, STEPS; names = STEPS.names();"
        "recipe = FittedRecipe.from_json({'format': 1, 'input': [{'name': 'a', 'type': 'number'}], 'steps': ["
        "{'step': 'normalise', 'columns': ['a'], 'params': {}, 'learned': {'scales': {'a': [1.0, 2.0]}}}]});"
        "assert recipe.row()({'a': 5}) == {'a': 2.0};"
        "heavy = {'polars', 'pandas', 'numpy', 'sklearn', 'django'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env={"PYTHONPATH": "platform:."}
    )
    assert done.returncode == 0, done.stderr
