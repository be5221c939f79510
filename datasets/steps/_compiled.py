"""An expression on a table's columns: its type, its polars form and its place in a one-row function."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from datasets.steps._base import Params, StepError, Use
from datasets.steps._columns import col, dtype
from datasets.steps._expression import Call, ExpressionError, Literal, Name, Node, names, parse
from datasets.steps._functions import FUNCTIONS, Function
from datasets.steps._moments import moment
from datasets.steps._rowcode import RowCode

if TYPE_CHECKING:
    import polars as pl

TIMES = ("date", "datetime")
MISSING = "missing"  # the type of the literal: fits wherever a value may be missing


@dataclass(frozen=True)
class Expression:
    """A checked expression. `type` is the column type of its result."""

    tree: Node
    columns: Mapping[str, str]
    type: str

    @classmethod
    def of(cls, text: str, columns: Mapping[str, str]) -> Expression:
        """Read and check an expression on columns of these types. Raises ExpressionError."""
        tree = parse(text)
        type_ = _type(tree, columns)
        if type_ == MISSING:
            raise ExpressionError("the expression is always missing", tree.at)
        return cls(tree, {name: columns[name] for name in names(tree)}, type_)

    def bulk(self) -> pl.Expr:
        """The polars form; apply it to a frame that has the columns."""
        made = _bulk(self.tree, self.columns, self.type)
        return made.dt.date() if self.type == "date" else made

    def row(self, code: RowCode) -> str:
        """Write the expression into a row function; returns the variable that holds its value."""
        local = _row(self.tree, self.columns, self.type, code)
        day = code.literal(datetime.date)
        return code.temporary(f"None if {local} is None else {day}({local})") if self.type == "date" else local


def columns_read(params: Params, param: str) -> dict[str, list[str]]:
    """The columns that a parameter of the kind expression names: what a step's `reads` returns."""
    if not params[param]:
        return {}
    try:
        return {param: names(parse(params[param]))}
    except ExpressionError as error:
        raise StepError(f"params.{param}", str(error)) from None


def expression(use: Use, param: str) -> Expression:
    """The checked expression of a parameter. Raises StepError."""
    try:
        return Expression.of(use.params[param], use.read)
    except ExpressionError as error:
        raise StepError(f"params.{param}", str(error)) from None


def _type(node: Node, columns: Mapping[str, str]) -> str:
    if isinstance(node, Literal):
        return _literal_type(node.value)
    if isinstance(node, Name):
        if node.name not in columns:
            close = difflib.get_close_matches(node.name, list(columns), n=1)
            guess = f"; did you mean {close[0]!r}?" if close else ""
            raise ExpressionError(f"there is no column {node.name[:80]!r}{guess}", node.at)
        return columns[node.name]
    function, types = _function(node), [_type(argument, columns) for argument in node.arguments]
    wanted = _wanted(node, function, types)
    _check_fixed(node, function)
    return function.gives or next(
        each for each, takes in zip(wanted, _takes(node, function), strict=True) if takes == "same"
    )


def _literal_type(value: Any) -> str:
    if value is None:
        return MISSING
    return {bool: "boolean", int: "integer", float: "number", str: "text"}[type(value)]


def _function(node: Call) -> Function:
    if node.function not in FUNCTIONS:
        words = [name for name in FUNCTIONS if name.isalpha()]
        close = difflib.get_close_matches(node.function, words, n=1)
        guess = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(words))}"
        raise ExpressionError(f"there is no function {node.function[:40]!r}{guess}", node.at)
    return FUNCTIONS[node.function]


def _takes(node: Call, function: Function) -> list[str]:
    """The types that the call's arguments must have, one for each."""
    given, takes = len(node.arguments), list(function.takes)
    if function.variadic and given > len(takes):
        takes += takes[-1:] * (given - len(takes))
    if given != len(takes):
        least = "at least " if function.variadic else ""
        raise ExpressionError(f"{node.function} takes {least}{len(takes)} values, got {given}", node.at)
    return takes


def _wanted(node: Call, function: Function, types: list[str]) -> list[str]:
    """The type that each argument is brought to. Raises ExpressionError where it cannot be."""
    takes = _takes(node, function)
    free = [type_ for type_, wanted in zip(types, takes, strict=True) if wanted in ("same", "ordered")]
    common = _common(free, node) if free else ""
    if common == "boolean" and "ordered" in takes:
        raise ExpressionError("true and false have no order", node.at)
    wanted = [common if each in ("same", "ordered") else each for each in takes]
    for argument, type_, each in zip(node.arguments, types, wanted, strict=True):
        if not _fits(type_, each):
            raise ExpressionError(f"{node.function} takes {each} here, got {type_}", argument.at)
    return wanted


def _common(types: list[str], node: Node) -> str:
    known = set(types) - {MISSING}
    if not known:
        return MISSING
    if len(known) == 1:
        return known.pop()
    if known == {"integer", "number"}:
        return "number"
    if known <= set(TIMES):
        return "datetime"
    raise ExpressionError(f"these are of different types: {' and '.join(sorted(known))}", node.at)


def _fits(type_: str, wanted: str) -> bool:
    return (
        type_ in (wanted, MISSING)
        or wanted == "any"
        or (type_, wanted) == ("integer", "number")
        or (wanted == "datetime" and type_ == "date")
    )


def _check_fixed(node: Call, function: Function) -> None:
    for place in function.fixed:
        argument = node.arguments[place]
        if not isinstance(argument, Literal) or argument.value is None:
            raise ExpressionError(f"{node.function} takes a fixed value here", argument.at)
        if node.function == "date":
            try:
                moment(argument.value)
            except ValueError:
                raise ExpressionError("write the date as 2024-12-31", argument.at) from None
        if node.function == "round" and not 0 <= argument.value <= 15:
            raise ExpressionError("round takes 0 to 15 digits", argument.at)


def _bulk(node: Node, columns: Mapping[str, str], wanted: str) -> pl.Expr:
    """The node as a polars expression of the wanted type; times are always Datetime, until the end."""
    import polars as pl

    if isinstance(node, Literal):
        made = pl.lit(node.value, dtype=None if node.value is not None else _inner(wanted))
    elif isinstance(node, Name):
        made = col(node.name)
    else:
        function, types = FUNCTIONS[node.function], [_type(argument, columns) for argument in node.arguments]
        types = _wanted(node, function, types)
        made = function.bulk(
            *(
                argument.value
                if place in function.fixed and isinstance(argument, Literal)
                else _bulk(argument, columns, type_)
                for place, (argument, type_) in enumerate(zip(node.arguments, types, strict=True))
            )
        )
        made = pl.when(made.is_finite()).then(made) if function.finite else made
    return made if wanted == "any" else made.cast(_inner(wanted))


def _inner(type_: str) -> Any:
    return dtype("datetime" if type_ == "date" else "boolean" if type_ in ("any", MISSING) else type_)


def _row(node: Node, columns: Mapping[str, str], wanted: str, code: RowCode) -> str:
    """Write the node; every value is kept in a variable, so that the code stays flat."""
    if isinstance(node, Literal):
        return code.literal(float(node.value) if wanted == "number" and node.value is not None else node.value)
    if isinstance(node, Name):
        return _row_column(node.name, columns[node.name], wanted, code)
    function, types = FUNCTIONS[node.function], [_type(argument, columns) for argument in node.arguments]
    types = _wanted(node, function, types)
    arguments = [_row(argument, columns, type_, code) for argument, type_ in zip(node.arguments, types, strict=True)]
    local = code.temporary(f"{code.literal(function.twin)}({', '.join(arguments)})")
    return _as_float(local, code) if wanted == "number" and function.gives == "integer" else local


def _row_column(name: str, type_: str, wanted: str, code: RowCode) -> str:
    local = code.read(name)
    if type_ in TIMES:
        return code.temporary(f"None if {local} is None else {code.literal(moment)}({local})")
    return _as_float(local, code) if wanted == "number" else local


def _as_float(local: str, code: RowCode) -> str:
    return code.temporary(f"None if {local} is None else {code.literal(float)}({local})")
