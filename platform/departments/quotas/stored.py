"""How many bytes a department stores: apps that store contribute how they measure it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from departments.models import Department
from departments.quotas import ledger

Measure = Callable[[UUID], int]
_measures: dict[str, Measure] = {}


def contribute(name: str, measure: Measure) -> None:
    """Have `measure(department)` bytes counted as stored."""
    _measures[name] = measure


def remeasure(department_id: UUID) -> None:
    """After something was stored or deleted, in the same transaction: the books say what is there now."""
    ledger.settle(department_id, "storage", lambda: stored(department_id))


def stored(department_id: UUID) -> int:
    return sum(measure(department_id) for measure in _measures.values())


def recomputed() -> Mapping[tuple[UUID, str], int]:
    """The storage ledger as the rows have it."""
    counted = {(pk, ""): stored(pk) for pk in Department.objects.values_list("pk", flat=True)}
    return {key: amount for key, amount in counted.items() if amount}
