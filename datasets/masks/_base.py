"""What a mask is: a declaration, the type that the column has under it, and the expression that makes its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datasets.schema import TYPES
from plugins.params import Param
from plugins.registry import Registry

if TYPE_CHECKING:
    import polars as pl

Params = Mapping[str, Any]


class MaskError(ValueError):
    """Parameters that a mask cannot use. `field` names the parameter."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def accepts(_type: str, _params: Params) -> None:
    """Most masks need no check beyond each parameter's own declaration."""


@dataclass(frozen=True, slots=True)
class Mask:
    """A mask, declared as data.

    `type_after(type)` is the column's type under the mask, None for a column that is taken away. `values(cell, type,
    params, key)` makes the masked values of a column's expression; `key` is the grant's own secret. `check(type,
    params)` raises MaskError for parameters that do not go together with the column's type.
    """

    name: str
    label: str
    help: str
    type_after: Callable[[str], str | None]
    values: Callable[[pl.Expr, str, Params, bytes], pl.Expr]
    applies_to: tuple[str, ...] = TYPES
    params: tuple[Param, ...] = ()
    check: Callable[[str, Params], None] = accepts


MASKS: Registry[Mask] = Registry("datasets.masks", "MASK")
