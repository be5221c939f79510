"""Parameters declared as data: a form, the API's validation, a search space and the docs read the same declaration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["int", "float", "bool", "choice", "ints", "text"]


class ParamError(ValueError):
    """A parameter value that its declaration refuses. `field` names the parameter."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its default, its range or choices, and one line of help.

    `low` and `high` are inclusive bounds (for "ints", of each item). `log` says that a search should draw from the
    range on a logarithmic scale. `tunable` parameters may appear in a study's search space. `when` = (name, values)
    shows the parameter in forms only while another has one of those values. `optional` admits None. A `secret` is sealed
    before it is stored and never shown again.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    label: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    log: bool = False
    optional: bool = False
    tunable: bool = False
    max_items: int = 16
    when: tuple[str, tuple[Any, ...]] | None = None
    secret: bool = False

    @property
    def title(self) -> str:
        """What a form shows: the label, or the name with spaces."""
        return self.label or self.name.replace("_", " ").capitalize()

    def validate(self, value: Any) -> Any:
        """Return `value` in this parameter's type, or raise ParamError naming the value and what is allowed."""
        if value is None or value == "":
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
        noun = {"int": "a whole number", "float": "a number", "ints": "a list of whole numbers", "text": "text"}[
            self.kind
        ]
        if self.low is not None and self.high is not None:
            return f"{noun} from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"{noun} of at least {self.low:g}"
        return noun if self.high is None else f"{noun} of at most {self.high:g}"

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
        items = value.replace(",", " ").split() if isinstance(value, str) else value
        if not isinstance(items, Sequence) or not 0 < len(items) <= self.max_items:
            raise self._refuse(value)
        return [self._int(item) for item in items]

    def _text(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > 10_000:
            raise self._refuse(value)
        return value


def validate_params(declared: Sequence[Param], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every declared parameter with the given value or its default.

    Raises ParamError for an unknown name or a refused value.
    """
    names = {param.name for param in declared}
    for name in given:
        if name not in names:
            raise ParamError(str(name), "unknown parameter; known are " + (", ".join(sorted(names)) or "none"))
    return {p.name: p.validate(given[p.name]) if p.name in given else p.default for p in declared}
