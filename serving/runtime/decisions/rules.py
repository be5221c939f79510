"""Override rules: declared conditions on the inputs that decide before the model does. The first that holds decides."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Test = Callable[[Any], bool]

# Operator → (what compares a value with the rule's, whether the rule's is a list). A missing value satisfies none of them.
COMPARE: dict[str, tuple[Callable[[Any, Any], bool], bool]] = {
    "eq": (operator.eq, False),
    "ne": (operator.ne, False),
    "lt": (operator.lt, False),
    "le": (operator.le, False),
    "gt": (operator.gt, False),
    "ge": (operator.ge, False),
    "in": (lambda value, known: value in known, True),
    "not_in": (lambda value, known: value not in known, True),
}
ORDERED = frozenset({"lt", "le", "gt", "ge"})
PRESENCE = ("missing", "present")
OPERATORS = (*COMPARE, *PRESENCE)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one column. `value` is a list for in and not_in, None for missing and present."""

    column: str
    op: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions hold → the decision: a class or a number; None sends the case to a person."""

    name: str
    when: tuple[Condition, ...]
    decide: Any = None

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Rule:
        """{"name", "when": [{"column", "op", "value"?}], "decide": …} or "review": true instead of "decide"."""
        when = tuple(Condition(each["column"], each["op"], each.get("value")) for each in item["when"])
        return cls(item["name"], when, None if item.get("review") else item["decide"])


def compiled(rules: Iterable[Rule]) -> Callable[[Row], int]:
    """The function from a row to the place of the first rule that holds, −1 where none does."""
    tests = [[(each.column, _test(each)) for each in rule.when] for rule in rules]

    def first(row: Row) -> int:
        get = row.get
        for place, conditions in enumerate(tests):
            if all(test(get(column)) for column, test in conditions):
                return place
        return -1

    return first


def _test(condition: Condition) -> Test:
    if condition.op == "missing":
        return lambda value: value is None
    if condition.op == "present":
        return lambda value: value is not None
    compare, many = COMPARE[condition.op]
    wanted: Any = frozenset(condition.value) if many else condition.value
    return lambda value: value is not None and compare(value, wanted)


def columns_of(rules: Sequence[Rule]) -> list[str]:
    """The columns that the rules read, each once."""
    return list(dict.fromkeys(each.column for rule in rules for each in rule.when))
