"""Who sees what of a model: its card names values of the data it learned from."""

from __future__ import annotations

from typing import Any

from departments.access import Actor, Verb, decide


def sees_values(actor: Actor, obj: Any) -> bool:
    """Categories, examples and ranges of inputs are values of rows: for whoever may preview or predict."""
    return any(decide(actor, verb, obj).allowed for verb in (Verb.PREVIEW, Verb.PREDICT))
