"""What an explanation compares with: a few representative rows, and how the columns' values lie.

The rows are values of people, so they stand beside an artifact and never in it: the server reads them, no answer, page
or export shows one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from serving.runtime.inputs import Input

FORMAT = 1
TRAINING, EXAMPLE = "training", "example"


@dataclass(frozen=True)
class Background:
    """`rows` are instances in the order of the model's answer to them. `kind` says where they are from.

    `spread` is a column's usual distance between two values, `quantiles` 21 of them from least to most: numbers and
    dates only, dates as ISO text.
    """

    rows: Sequence[Mapping[str, Any]]
    kind: str = TRAINING
    spread: Mapping[str, float] = field(default_factory=dict)
    quantiles: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @classmethod
    def loads(cls, content: bytes) -> Background:
        """Read what `training.engine.background` wrote. Raises ValueError for anything else."""
        told = json.loads(content)
        if told.get("format") != FORMAT or not told.get("rows"):
            raise ValueError(f"a background of format {told.get('format')!r}; this version reads {FORMAT}")
        columns = told["columns"]
        return cls(
            told["rows"],
            TRAINING,
            {name: entry["spread"] for name, entry in columns.items() if entry.get("spread")},
            {name: entry["quantiles"] for name, entry in columns.items() if entry.get("quantiles")},
        )

    @classmethod
    def of_examples(cls, inputs: Sequence[Input]) -> Background:
        """One row, the usual value of each column: for a model that has no rows, such as one from elsewhere.

        Sundararajan and Najmi 2020, The Many Shapley Values for Model Explanation (baseline Shapley).
        """
        return cls([{column.name: column.example for column in inputs}], EXAMPLE)
