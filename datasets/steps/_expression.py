"""Reading an expression that a person typed: `if(age >= 18, income / 12, missing)` becomes a small tree.

Nothing here, nor in what reads the tree, evaluates text: the tree holds literals, columns and calls of known functions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_TOKENS = 300  # far above what a person types; keeps every later walk of the tree shallow
TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |`(?P<quoted>[^`]+)`
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>\*\*|//|==|!=|<>|<=|>=|[-+*/%()=<>,])
    )""",
    re.VERBOSE,
)
COMPARISONS = {"=": "==", "==": "==", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
WORDS: dict[str, Any] = {"true": True, "false": False, "missing": None}
OPERATORS = ("and", "or", "not")


class ExpressionError(ValueError):
    """What is wrong, and at which character, counted from 1."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(f"{message} (character {at + 1})")


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A column."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or an operator such as `+` or `and`, with its arguments."""

    function: str
    arguments: tuple[Node, ...]
    at: int


Node = Literal | Name | Call


class Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse(text: str) -> Node:
    """The expression as a tree. Raises ExpressionError."""
    return _Parser(list(_tokens(text)), len(text)).whole()


def names(node: Node) -> list[str]:
    """The columns that the expression reads, once each, in its order."""
    if isinstance(node, Call):
        return list(dict.fromkeys(name for argument in node.arguments for name in names(argument)))
    return [node.name] if isinstance(node, Name) else []


def _tokens(text: str) -> Iterator[Token]:
    at, count = 0, 0
    while text[at:].strip():
        found = TOKEN.match(text, at)
        start = at + len(text[at:]) - len(text[at:].lstrip())
        if not found:
            raise ExpressionError(f"{text[start]!r} has no meaning here", start)
        count += 1
        if count > MAX_TOKENS:
            raise ExpressionError("the expression is too long; make several columns", start)
        kind = found.lastgroup or ""
        yield Token(kind, found[kind], start)
        at = found.end()


class _Parser:
    """Recursive descent, one method for each level of precedence, the weakest first."""

    def __init__(self, tokens: list[Token], end: int) -> None:
        self.tokens, self.place, self.end = tokens, 0, end

    def whole(self) -> Node:
        node = self._or()
        if token := self._peek():
            raise ExpressionError(f"expected an operator before {token.text!r}", token.at)
        return node

    def _or(self) -> Node:
        return self._chain(("or",), self._and)

    def _and(self) -> Node:
        return self._chain(("and",), self._not)

    def _not(self) -> Node:
        if token := self._take("not"):
            return Call("not", (self._not(),), token.at)
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        if token := self._take(*COMPARISONS):
            return Call(COMPARISONS[token.text], (left, self._sum()), token.at)
        return left

    def _sum(self) -> Node:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._chain(("*", "/", "//", "%"), self._signed)

    def _signed(self) -> Node:
        if token := self._take("-"):
            return Call("negative", (self._signed(),), token.at)
        return self._power()

    def _power(self) -> Node:
        base = self._atom()
        if token := self._take("**"):
            return Call("**", (base, self._signed()), token.at)
        return base

    def _chain(self, signs: tuple[str, ...], operand: Any) -> Node:
        node: Node = operand()
        while token := self._take(*signs):
            node = Call(token.text, (node, operand()), token.at)
        return node

    def _atom(self) -> Node:
        token = self._peek()
        if token is None:
            raise ExpressionError("the expression ends too early", self.end)
        self.place += 1
        if token.text == "(" and token.kind == "sign":
            node = self._or()
            self._expect(")")
            return node
        if token.kind == "name" and self._take("("):
            return Call(token.text.lower(), self._arguments(), token.at)
        return _value(token)

    def _arguments(self) -> tuple[Node, ...]:
        if self._take(")"):
            return ()
        arguments = [self._or()]
        while self._take(","):
            arguments.append(self._or())
        self._expect(")")
        return tuple(arguments)

    def _peek(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def _take(self, *texts: str) -> Token | None:
        token = self._peek()
        if token is None or token.kind not in ("sign", "name") or token.text.lower() not in texts:
            return None
        self.place += 1
        return token

    def _expect(self, text: str) -> None:
        if not self._take(text):
            token = self._peek()
            raise ExpressionError(f"expected {text!r}", token.at if token else self.end)


def _value(token: Token) -> Node:
    if token.kind == "quoted":
        return Name(token.text, token.at)
    if token.kind == "text":
        return Literal(re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL), token.at)
    if token.kind == "number":
        return Literal(_number(token), token.at)
    if token.kind == "name" and token.text.lower() in WORDS:
        return Literal(WORDS[token.text.lower()], token.at)
    if token.kind == "name" and token.text.lower() not in OPERATORS:
        return Name(token.text, token.at)
    raise ExpressionError(f"expected a value before {token.text!r}", token.at)


def _number(token: Token) -> int | float:
    if token.text.isdigit() and len(token.text) < 19:
        return int(token.text)
    value = float(token.text)
    if not math.isfinite(value):
        raise ExpressionError("this number is too large", token.at)
    return value
