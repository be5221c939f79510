"""Parameters declared as data: a form, the API's validation, a search space and the docs read the same declaration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "int",
    "float",
    "bool",
    "choice",
    "ints",
    "text",
    "numbers",
    "column",
    "columns",
    "pairs",
    "names",
    "expression",
    "table",
]
NOUNS = {
    "int": "a whole number",
    "float": "a number",
    "ints": "a list of whole numbers",
    "numbers": "a list of numbers",
    "text": "text",
    "column": "the name of a column",
    "columns": "a list of column names",
    "names": "a list of names",
    "pairs": "an object of texts by column name",
    "expression": "an expression",
    "table": "a table, as ID@version",
}
MAX_TEXT = 10_000


class ParamError(ValueError):
    """A parameter value that its declaration refuses. `field` names the parameter."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its default, its range or choices, and one line of help.

    A "column" names one column of the table, "columns" several; "pairs" gives each of some columns a text, "expression"
    is read by whoever declares it, "table" names another table and "names" some of its columns.
    `low` and `high` are inclusive bounds (for "ints" and "numbers", of each item), and `types` the column types that are
    offered. `log` says that a search should draw from the range on a logarithmic scale. `tunable` parameters may appear in
    a study's search space; `search` is what is usually searched, {"low", "high", "log"} or a list of values, where that is
    less than all that is allowed. `when` = (name, values) shows the parameter in forms only while another has one of those
    values. `optional` admits None; what is `needed` all the same is missed later, so that a draft can be kept without it. A
    `secret` is sealed before it is stored and never shown again. `group` is the part of a long form that it stands in.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    label: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    log: bool = False
    optional: bool = False
    needed: bool = False
    tunable: bool = False
    max_items: int = 16
    when: tuple[str, tuple[Any, ...]] | None = None
    secret: bool = False
    search: Any = None
    group: str = ""

    @property
    def title(self) -> str:
        """What a form shows: the label, or the name with spaces."""
        return self.label or self.name.replace("_", " ").capitalize()

    def validate(self, value: Any) -> Any:
        """Return `value` in this parameter's type, or raise ParamError naming the value and what is allowed."""
        if value is None or value in ("", [], {}):
            if self.optional:
                return None
            raise ParamError(self.name, f"needs a value; {self.allowed()}")
        return getattr(self, f"_{self.kind}")(value)

    def allowed(self) -> str:
        """The allowed values in words, for error messages and docs."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        noun = NOUNS[self.kind]
        if self.low is not None and self.high is not None:
            return f"{noun} from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"{noun} of at least {self.low:g}"
        return noun if self.high is None else f"{noun} of at most {self.high:g}"

    def columns(self, value: Any) -> list[str]:
        """The columns that a validated value names."""
        if self.kind not in ("column", "columns", "pairs") or value is None:
            return []
        return [value] if self.kind == "column" else list(value)

    def _refuse(self, value: Any) -> ParamError:
        return ParamError(self.name, f"got {str(value)[:80]!r}; expected {self.allowed()}")

    def _bounded(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _int(self, value: Any) -> int:
        try:
            number = int(value) if not isinstance(value, float) or value.is_integer() else None
        except (TypeError, ValueError, OverflowError):
            number = None
        if number is None or isinstance(value, bool) or not self._bounded(number):
            raise self._refuse(value)
        return number

    def _float(self, value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise self._refuse(value) from None
        if isinstance(value, bool) or not math.isfinite(number) or not self._bounded(number):
            raise self._refuse(value)
        return number

    def _bool(self, value: Any) -> bool:
        known = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
        if isinstance(value, bool):
            return value
        if str(value).lower() not in known:
            raise self._refuse(value)
        return known[str(value).lower()]

    def _choice(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise self._refuse(value)
        return value

    def _ints(self, value: Any) -> list[int]:
        return self._list(value, self._int)

    def _numbers(self, value: Any) -> list[float]:
        return self._list(value, self._float)

    def _list(self, value: Any, read: Callable[[Any], Any]) -> list[Any]:
        items = value.replace(",", " ").split() if isinstance(value, str) else value
        if not isinstance(items, Sequence) or not 0 < len(items) <= self.max_items:
            raise self._refuse(value)
        try:
            return [read(item) for item in items]
        except ParamError:
            raise self._refuse(value) from None

    def _text(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise self._refuse(value)
        return value

    _column = _expression = _table = _text

    def _columns(self, value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self._refuse(value)
        return list(dict.fromkeys(value))

    _names = _columns

    def _pairs(self, value: Any) -> dict[str, str]:
        if not isinstance(value, Mapping) or not all(isinstance(each, str) for pair in value.items() for each in pair):
            raise self._refuse(value)
        return {name: text for name, text in value.items() if name and text}


def validate_params(declared: Sequence[Param], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every declared parameter with the given value or its default.

    Raises ParamError for an unknown name or a refused value.
    """
    names = {param.name for param in declared}
    for name in given:
        if name not in names:
            raise ParamError(str(name), "unknown parameter; known are " + (", ".join(sorted(names)) or "none"))
    return {p.name: p.validate(given[p.name]) if p.name in given else p.default for p in declared}


def read_form(declared: Sequence[Param], getlist: Callable[[str], list[Any]], prefix: str = "") -> dict[str, Any]:
    """The parameters that a submitted form holds; `getlist` gives all the values of a field's name."""
    read: dict[str, Any] = {}
    for param in declared:
        name = prefix + param.name
        if param.kind == "pairs":
            keys, texts = getlist(f"{name}.name"), getlist(f"{name}.text")
            read[param.name] = {key: text for key, text in zip(keys, texts, strict=False) if key and text}
        elif values := getlist(name):
            read[param.name] = [each for each in values if each] if param.kind in ("columns", "names") else values[-1]
    return read
