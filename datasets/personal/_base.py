"""What a kind of personal data is: how its values are told, and what its columns are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of personal data, declared as data.

    `names` are what columns of this kind are called, in English as words ("first name" also finds CustomerFirstName)
    and in Chinese as parts. `valid` judges one value, `loose` one in a column whose name speaks; `fits` judges a
    column by its figures. `certainty` is how sure valid values alone are (0: the name must speak), `named` how sure
    the name is where values do not speak against it. `share` of the different values must be valid. `inside` finds a
    value within longer text.
    """

    name: str
    label: str
    names: tuple[str, ...]
    valid: Callable[[str], bool] | None = None
    loose: Callable[[str], bool] | None = None
    fits: Callable[[Figures], bool] | None = None
    types: tuple[str, ...] = ("text",)
    certainty: float = 0.0
    named: float = 0.6
    share: float = 0.8
    inside: str = ""

    def called(self, column: str) -> bool:
        """Whether a column's name speaks for this kind."""
        words = f" {in_words(column)} "
        return any(f" {name} " in words if name.isascii() else name in column for name in self.names)


def in_words(column: str) -> str:
    """`CustomerFirst_name2` as `customer first name 2`."""
    parted = re.sub(r"([a-z])([A-Z])|([A-Za-z])(\d)", r"\1\3 \2\4", column)
    return " ".join(re.findall(r"[a-z]+|\d+", parted.lower()))


def digits(text: str, between: str = r"[ \-.]") -> str:
    """The digits of a text that has only these and single signs between them, else ''."""
    bare = re.sub(between, "", text.strip())
    return bare if bare.isascii() and bare.isdigit() else ""


def luhn(number: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812)."""
    doubled = (int(d) * 2 for d in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0
