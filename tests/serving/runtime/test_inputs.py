"""What a model reads: the rules of docs/predicting.md, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from serving.runtime.faults import InstanceErrors
from serving.runtime.inputs import Input, Inputs

NUMBER, WHOLE = Input("x", "number"), Input("x", "integer")
FLAG, TEXT = Input("x", "boolean"), Input("x", "text")
DAY, MOMENT = Input("x", "date"), Input("x", "datetime")
STRICT = Input("x", "text", categories=("a", "b"), unseen="refuse")
OPEN = Input("x", "text", categories=("a", "b"))


@pytest.mark.parametrize(
    ("column", "value", "read"),
    [
        (NUMBER, 1, 1), (NUMBER, -1.5, -1.5), (WHOLE, 3, 3), (WHOLE, 3.0, 3), (FLAG, True, True), (FLAG, False, False),
        (TEXT, "", ""), (TEXT, "42", "42"), (DAY, "2024-02-29", "2024-02-29"), (MOMENT, "2024-05-31", "2024-05-31T00:00:00"),
        (MOMENT, "2024-05-31T14:30:00+02:00", "2024-05-31T12:30:00"), (MOMENT, "2024-05-31T14:30:00Z", "2024-05-31T14:30:00"),
        (OPEN, "never seen", "never seen"), (STRICT, "a", "a"),
    ],
)  # fmt: skip
def test_what_fits_is_read(column: Input, value: Any, read: Any) -> None:
    assert Inputs([column]).read([{"x": value}]) == [{"x": read}]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        (NUMBER, "42", "without quotes"), (WHOLE, "42", "without quotes"), (NUMBER, float("nan"), "finite"),
        (NUMBER, float("inf"), "finite"), (WHOLE, float("-inf"), "finite"), (NUMBER, True, "expected a number"),
        (WHOLE, False, "expected a whole number"), (WHOLE, 3.5, "3.5; expected a whole number"), (WHOLE, 2**63, "2⁶³"),
        (WHOLE, 1e300, "2⁶³"), (NUMBER, 10**400, "finite"), (NUMBER, [1], "got a list"), (NUMBER, {"a": 1}, "got an object"),
        (FLAG, 1, "true or false"), (FLAG, "true", "true or false"), (TEXT, 42, "in quotes"), (TEXT, True, "in quotes"),
        (DAY, "31.05.2024", "2024-05-31"), (DAY, "20240531", "2024-05-31"), (DAY, "2024-02-30", "2024-05-31"),
        (DAY, 20240531, "2024-05-31"), (DAY, ["2024-05-31"] * 10, "2024-05-31"), (MOMENT, "yesterday", "T14:30:00"),
        (MOMENT, "0001-01-01T00:00:00+14:00", "T14:30:00"), (MOMENT, 0, "T14:30:00"),
        (STRICT, "c", "“c”, which this model never saw; known are “a”, “b”"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(column: Input, value: Any, says: str) -> None:
    with pytest.raises(InstanceErrors) as refused:
        Inputs([column]).read([{}, {"x": value}])
    [error] = refused.value.errors
    assert error["field"] == "instances[1].x"
    assert says in error["message"]


@pytest.mark.parametrize("instance", [{}, {"x": None}])
def test_missing_and_null_are_the_same(instance: dict[str, Any]) -> None:
    assert Inputs([NUMBER]).read([instance]) == [{}]
    with pytest.raises(InstanceErrors) as refused:
        Inputs([Input("x", "number", required=True)]).read([instance])
    assert refused.value.errors == [{"field": "instances[0].x", "message": "this column needs a value (number)"}]


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(InstanceErrors) as refused:
        Inputs([NUMBER, Input("y", "text")]).read([{"x": 1, "colour": None}])
    [error] = refused.value.errors
    assert error == {"field": "instances[0].colour", "message": "unknown column; this model reads x, y"}


@pytest.mark.parametrize("instance", [[1], "text", 3, None, True])
def test_an_instance_is_an_object(instance: Any) -> None:
    with pytest.raises(InstanceErrors) as refused:
        Inputs([NUMBER]).read([{"x": 1}, instance])
    assert refused.value.errors[0]["field"] == "instances[1]"


def test_every_fault_is_told_up_to_a_limit() -> None:
    with pytest.raises(InstanceErrors) as refused:
        Inputs([NUMBER]).read([{"x": "a"}] * 1000)
    assert len(refused.value.errors) == InstanceErrors.LIMIT
    assert refused.value.errors[7]["field"] == "instances[7].x"


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(InstanceErrors) as refused:
        Inputs([NUMBER]).read([{"x": "9" * 5000}])
    assert len(refused.value.errors[0]["message"]) < 200


def test_a_percent_sign_in_a_value_is_shown_as_it_is() -> None:
    with pytest.raises(InstanceErrors) as refused:
        Inputs([NUMBER]).read([{"x": "5 %s"}])
    assert "“5 %s”" in refused.value.errors[0]["message"]


def test_values_outside_the_range_of_training_are_known() -> None:
    column = Input("x", "number", minimum=0, maximum=10)
    assert (column.outside(11), column.outside(-0.1), column.outside(5), column.outside(None)) == (
        True,
        True,
        False,
        False,
    )
    assert (OPEN.unknown("z"), OPEN.unknown("a"), TEXT.unknown("z")) == (True, False, False)
