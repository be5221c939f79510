"""Costs in money, exact: amounts are decimals, counts whole numbers, and nothing is rounded in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

PLACES = 4
MOST = Decimal(10) ** 9


def amount(value: Any) -> Decimal:
    """Read an amount: text or a JSON number, at most four decimals. Raises ValueError. A gain is negative."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(f"got {value!r}; expected an amount such as 12.50")
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"got “{str(value)[:40]}”; expected an amount such as 12.50") from None
    if not found.is_finite() or abs(found) > MOST:
        raise ValueError(f"got {str(value)[:40]}; amounts reach from −1,000,000,000 to 1,000,000,000")
    if found != round(found, PLACES):
        raise ValueError(f"got {str(value)[:40]}; an amount has at most {PLACES} decimals")
    return found


@dataclass(frozen=True, slots=True)
class Costs:
    """What each case costs: `matrix[truth][decision]` by class codes, and `review` for a person's look at it."""

    matrix: tuple[tuple[Decimal, ...], ...]
    review: Decimal = Decimal(0)

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Costs:
        return cls(tuple(tuple(map(amount, row)) for row in item["matrix"]), amount(item.get("review", 0)))

    def of(self, counts: Sequence[Sequence[int]], reviewed: int) -> Decimal:
        """What the counted cases cost together. `counts[truth][decision]`."""
        pairs = zip(self.matrix, counts, strict=True)
        decided = sum((cost * n for row in pairs for cost, n in zip(*row, strict=True)), Decimal(0))
        return decided + self.review * reviewed
