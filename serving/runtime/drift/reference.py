"""What a model learned from, as sketches: the other side of every comparison. It stands in the manifest, no row does.

{"rows": 800, "columns": {"age": {"missing": 3, "edges": [21.0, …], "counts": [17, …]},
                          "city": {"missing": 0, "labels": ["Oslo", …], "counts": […], "other": 12, "complete": false}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.runtime.drift.sketches import Bins, CategoryBins, NumberBins, key_of, number_bins

# No column is called so: names of columns are never empty.
ANSWERS = ""


@dataclass(frozen=True)
class Column:
    """One column's bins and the reference's sketch over them."""

    name: str
    bins: Bins
    sketch: np.ndarray

    @classmethod
    def from_json(cls, name: str, item: Mapping[str, Any]) -> Column:
        if "edges" in item:
            bins: Bins = NumberBins(tuple(item["edges"]))
            return cls(name, bins, np.array([item["missing"], *item["counts"]], dtype=np.int64))
        bins = CategoryBins(tuple(item["labels"]), bool(item["complete"]))
        return cls(name, bins, np.array([item["missing"], item["other"], *item["counts"]], dtype=np.int64))

    @classmethod
    def of_numbers(cls, name: str, values: np.ndarray) -> Column:
        bins = number_bins(values)
        return cls(name, bins, bins.count(values.tolist()))

    @classmethod
    def of_labels(cls, name: str, labels: Sequence[Any], chosen: np.ndarray) -> Column:
        """`chosen` (n,) are places among the labels; all of them are known, so that no answer is another."""
        bins = CategoryBins(tuple(key_of(label) for label in labels), complete=True)
        return cls(name, bins, np.concatenate([[0, 0], np.bincount(chosen, minlength=len(labels))]))


@dataclass(frozen=True)
class Reference:
    """The columns that a model reads, and its answers on rows that it did not learn from; None where they are not known."""

    columns: Mapping[str, Column]
    answers: Column | None = None

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any], answers: Column | None = None) -> Reference:
        kept = (manifest.get("reference") or {}).get("columns", {})
        return cls({name: Column.from_json(name, item) for name, item in kept.items()}, answers)


def answers_of(task: str, classes: Sequence[Any], prediction: np.ndarray) -> Column:
    """How a model answers: its values, the probability of the second of two classes, or which of several it names.

    Shape: prediction (n, k), k = 1 for regression, else the number of classes.
    """
    if task == "regression":
        return Column.of_numbers(ANSWERS, prediction[:, 0])
    if len(classes) == 2:
        return Column.of_numbers(ANSWERS, prediction[:, 1])
    return Column.of_labels(ANSWERS, classes, prediction.argmax(axis=1))


def answered(task: str, classes: Sequence[Any], answers: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The same of logged answers. Probabilities that a policy calibrated are not the model's own: they are left out."""
    if task != "regression":
        answers = [each for each in answers if "decision" not in each]
    if task == "regression":
        return [each.get("value") for each in answers]
    if len(classes) == 2:
        second = key_of(classes[1])
        return [(each.get("probabilities") or {}).get(second) for each in answers]
    return [each.get("label") for each in answers]
