"""A column of so many categories that most of them fall into the bucket for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.checks.identifiers import THRESHOLD as IDENTIFIER
from training.engine.data import add_step, finding

if TYPE_CHECKING:
    from training.engine.data import Source

CATEGORIES = 50  # what the encoding that is chosen without being asked keeps apart, at most


def before(source: Source) -> Iterator[dict[str, Any]]:
    """Text with more than fifty categories, short of an identifier, that no step of the recipe looks after."""
    named = {column for step in source.steps for column in step.get("columns") or ()}
    for name in source.features:
        if source.schema[name].type != "text" or name in named:
            continue
        known = source.part("train")[name].drop_nulls()
        distinct = known.n_unique()
        if distinct > CATEGORIES and distinct < IDENTIFIER * len(known):
            message = f"“{name}” has {distinct:,} categories in the training rows; the rarest are put into one."
            fix = "Encode it by the target's mean, group its categories, or leave it out."
            yield finding(
                "high_cardinality", "info", message, [name], test="categories in the training rows", value=distinct,
                threshold=CATEGORIES, fix=fix, action=add_step("target", name),
            )  # fmt: skip
