"""What an expression may call: for each function its types, its polars expression and its plain Python twin.

A missing argument gives a missing result, unless the function is there to treat it; so does a result that is no finite
number, such as a division by zero. Both forms do the same floating-point operations in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from datasets.steps._moments import PARTS, moment
from datasets.steps._texts import lower, text_lower, text_upper, trimmed, trimmed_text, upper

if TYPE_CHECKING:
    import polars as pl

SECONDS = 86_400
Twin = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Function:
    """`takes` are the argument types, the last repeated where `variadic`; `same` arguments are brought to one type.

    A `fixed` argument must be a literal. `gives` None means the common type of the `same` arguments.
    """

    takes: tuple[str, ...]
    gives: str | None
    bulk: Callable[..., Any]
    one: Twin
    variadic: bool = False
    fixed: tuple[int, ...] = ()
    strict: bool = True  # missing in, missing out
    finite: bool = False

    @property
    def twin(self) -> Twin:
        """The Python form with its care for missing values and impossible results."""
        made = _finite(self.one) if self.finite else self.one
        return _strict(made) if self.strict else made


def _strict(function: Twin) -> Twin:
    def twin(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return twin


def _finite(function: Twin) -> Twin:
    def twin(*arguments: Any) -> Any:
        try:
            value = function(*arguments)
        except (ArithmeticError, ValueError):
            return None
        return value if isinstance(value, float) and math.isfinite(value) else None

    return twin


def _number(takes: int, bulk: Callable[..., Any], one: Twin, *, variadic: bool = False) -> Function:
    return Function(("number",) * takes, "number", bulk, one, variadic=variadic, finite=True)


def _comparison(bulk: Callable[..., Any], one: Twin, takes: str = "ordered") -> Function:
    return Function((takes, takes), "boolean", bulk, one)


def _floor(value: pl.Expr | float) -> Any:
    return float(math.floor(value)) if isinstance(value, float) else value.floor()


def _rest(a: Any, b: Any) -> Any:
    return a - b * _floor(a / b)


def _rounded(value: float, digits: int) -> float:
    """Half away from zero, as people round."""
    scale = 10.0**digits
    return math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value)


def _rounded_bulk(value: pl.Expr, digits: int) -> pl.Expr:
    scale = 10.0**digits
    return (value.abs() * scale + 0.5).floor() / scale * value.sign()


def _power(a: float, b: float) -> Any:
    return a**b  # complex for a negative base: not a float, so missing


def _and(a: Any, b: Any) -> Any:
    return False if a is False or b is False else None if a is None or b is None else True


def _or(a: Any, b: Any) -> Any:
    return True if a is True or b is True else None if a is None or b is None else False


def _if(condition: Any, a: Any, b: Any) -> Any:
    return None if condition is None else a if condition else b


def _if_bulk(condition: pl.Expr, a: pl.Expr, b: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.when(condition.is_null()).then(None).when(condition).then(a).otherwise(b)


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _coalesce_bulk(*values: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.coalesce(*values)


def _extreme(name: str) -> Callable[..., pl.Expr]:
    def bulk(*values: pl.Expr) -> pl.Expr:
        import polars as pl

        known = pl.all_horizontal([value.is_not_null() for value in values])
        return pl.when(known).then(getattr(pl, f"{name}_horizontal")(values))

    return bulk


def _concat(*values: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.concat_str(values)


def _one_of(value: Any, *others: Any) -> Any:
    return value in others


def _one_of_bulk(value: pl.Expr, *others: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.any_horizontal([value == other for other in others])


def _replaced(text: pl.Expr, old: str, new: str) -> pl.Expr:
    return text.str.replace_all(old, new, literal=True) if old else text


def _days(a: datetime, b: datetime) -> float:
    gap = a - b
    return ((gap.days * SECONDS + gap.seconds) * 10**6 + gap.microseconds) / (SECONDS * 1e6)


def _days_bulk(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return (a.dt.epoch("us") - b.dt.epoch("us")) / (SECONDS * 1e6)


def _date_part(name: str) -> Function:
    import_free = PARTS[name]

    def bulk(time: pl.Expr) -> pl.Expr:
        import polars as pl

        part: pl.Expr = getattr(time.dt, name)()
        return part.cast(pl.Int64)

    return Function(("datetime",), "integer", bulk, import_free)


def _date(text: str) -> pl.Expr:
    import polars as pl

    return pl.lit(moment(text), dtype=pl.Datetime("us"))


def _text_of(value: pl.Expr) -> pl.Expr:
    import polars as pl

    return value.cast(pl.String)


def _as_number(value: pl.Expr) -> pl.Expr:
    import polars as pl

    return value.cast(pl.Float64)


FUNCTIONS: dict[str, Function] = {
    "+": _number(2, lambda a, b: a + b, lambda a, b: a + b),
    "-": _number(2, lambda a, b: a - b, lambda a, b: a - b),
    "*": _number(2, lambda a, b: a * b, lambda a, b: a * b),
    "/": _number(2, lambda a, b: a / b, lambda a, b: a / b),
    "//": _number(2, lambda a, b: _floor(a / b), lambda a, b: _floor(a / b)),
    "%": _number(2, _rest, _rest),
    "**": _number(2, lambda a, b: a.pow(b), _power),
    "negative": _number(1, lambda a: -a, lambda a: -a),
    "abs": _number(1, lambda a: a.abs(), abs),
    "sqrt": _number(1, lambda a: a.sqrt(), math.sqrt),
    "exp": _number(1, lambda a: a.exp(), math.exp),
    "log": _number(1, lambda a: a.log(), math.log),
    "floor": _number(1, _floor, _floor),
    "round": Function(("number", "integer"), "number", _rounded_bulk, _rounded, fixed=(1,), finite=True),
    "min": _number(2, _extreme("min"), min, variadic=True),
    "max": _number(2, _extreme("max"), max, variadic=True),
    "==": _comparison(lambda a, b: a == b, lambda a, b: a == b, "same"),
    "!=": _comparison(lambda a, b: a != b, lambda a, b: a != b, "same"),
    "<": _comparison(lambda a, b: a < b, lambda a, b: a < b),
    "<=": _comparison(lambda a, b: a <= b, lambda a, b: a <= b),
    ">": _comparison(lambda a, b: a > b, lambda a, b: a > b),
    ">=": _comparison(lambda a, b: a >= b, lambda a, b: a >= b),
    "oneof": Function(("same", "same"), "boolean", _one_of_bulk, _one_of, variadic=True),
    "and": Function(("boolean", "boolean"), "boolean", lambda a, b: a & b, _and, strict=False),
    "or": Function(("boolean", "boolean"), "boolean", lambda a, b: a | b, _or, strict=False),
    "not": Function(("boolean",), "boolean", lambda a: ~a, lambda a: not a),
    "if": Function(("boolean", "same", "same"), None, _if_bulk, _if, strict=False),
    "coalesce": Function(("same", "same"), None, _coalesce_bulk, _coalesce, variadic=True, strict=False),
    "isnull": Function(("any",), "boolean", lambda a: a.is_null(), lambda a: a is None, strict=False),
    "number": Function(("boolean",), "number", _as_number, float),
    "text": Function(("integer",), "text", _text_of, lambda a: str(int(a))),
    "concat": Function(("text", "text"), "text", _concat, lambda *texts: "".join(texts), variadic=True),
    "lower": Function(("text",), "text", lower, text_lower),
    "upper": Function(("text",), "text", upper, text_upper),
    "trim": Function(("text",), "text", trimmed, trimmed_text),
    "length": Function(("text",), "integer", lambda a: a.str.len_chars().cast(int), len),
    "contains": Function(
        ("text", "text"), "boolean", lambda a, b: a.str.contains(b, literal=True), lambda a, b: b in a, fixed=(1,)
    ),
    "starts": Function(
        ("text", "text"), "boolean", lambda a, b: a.str.starts_with(b), lambda a, b: a.startswith(b), fixed=(1,)
    ),
    "ends": Function(
        ("text", "text"), "boolean", lambda a, b: a.str.ends_with(b), lambda a, b: a.endswith(b), fixed=(1,)
    ),
    "replace": Function(
        ("text", "text", "text"), "text", _replaced, lambda a, b, c: a.replace(b, c) if b else a, fixed=(1, 2)
    ),
    "date": Function(("text",), "datetime", _date, moment, fixed=(0,)),
    "days": Function(("datetime", "datetime"), "number", _days_bulk, _days),
    **{name: _date_part(name) for name in PARTS},
}
FUNCTIONS["len"] = FUNCTIONS["length"]
