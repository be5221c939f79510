"""Writing the one-row function: each step adds assignments, and the whole recipe becomes one Python function."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Row = Callable[[Mapping[str, Any]], dict[str, Any]]


class RowCode:
    """Collects the assignments of one row function.

    Nothing that a person typed becomes code: columns are local variables with numbered names, and values enter through
    `literal`, which prints plain numbers and quoted strings and binds everything else to a name.
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        """`columns` are the incoming names with their types; a NaN in a number column is a missing value."""
        self._bound: dict[str, Any] = {}
        self._locals: dict[str, str] = {}
        self._lines: list[str] = []
        self._made = 0
        for name, type_ in columns.items():
            local = self.write(name, f"get({self.literal(name)})")
            if type_ == "number":
                self._lines.append(f"if {local} != {local}: {local} = None")

    def read(self, column: str) -> str:
        """The local variable that holds the column's value now."""
        return self._locals[column]

    def write(self, column: str, expression: str) -> str:
        """Assign the expression to the column; returns its local variable."""
        local = self._locals.setdefault(column, f"v{self._made}")
        self._made += 1
        self._lines.append(f"{local} = {expression}")
        return local

    def write_all(self, columns: Iterable[str], expression: str) -> None:
        """Unpack one expression, a sequence, into several columns: far cheaper than an assignment each."""
        targets = [self._target(column) for column in columns]
        if targets:
            self._lines.append(f"{', '.join(targets)}, = {expression}")

    def temporary(self, expression: str) -> str:
        """Assign the expression to a variable that belongs to no column; returns its name."""
        local = f"t{self._made}"
        self._made += 1
        self._lines.append(f"{local} = {expression}")
        return local

    def when_present(self, column: str, expression: str) -> str:
        """Assign `expression`, in which `x` stands for the value, unless the value is missing."""
        value = self.read(column)
        self._lines.append(f"x = {value}")
        return self.write(column, f"None if x is None else {expression}")

    def drop(self, column: str) -> None:
        """Leave the column out of the row from here on."""
        del self._locals[column]

    def literal(self, value: Any) -> str:
        """Source text that evaluates to the value."""
        if value is None or type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value)):
            return f"({value!r})"
        name = f"k{len(self._bound)}"
        self._bound[name] = value
        return name

    def function(self, outputs: Iterable[str]) -> Row:
        """Compile the row function that returns a dict of the output columns."""
        items = ", ".join(f"{self.literal(name)}: {self.read(name)}" for name in outputs)
        body = "\n    ".join(["get = given.get", *self._lines, f"return {{{items}}}"])
        scope = dict(self._bound)
        exec(compile(f"def row(given):\n    {body}\n", "<recipe>", "exec"), scope)  # noqa: S102 built from literals only
        function: Row = scope["row"]
        return function

    def _target(self, column: str) -> str:
        if column not in self._locals:
            self._locals[column] = f"v{self._made}"
            self._made += 1
        return self._locals[column]
