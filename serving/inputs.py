"""The model's own schema as people and programs see it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from serving.runtime.inputs import Input
from training.models import ModelVersion

STATISTICS = ("categories", "minimum", "maximum", "example")


def inputs_of(version: ModelVersion) -> tuple[Input, ...]:
    """The columns that the version reads, from its registered manifest."""
    return tuple(Input.from_json(item) for item in version.manifest.get("inputs", []))


def columns_shown(version: ModelVersion, *, with_statistics: bool) -> list[dict[str, Any]]:
    """The columns as JSON. Ranges, categories and examples come from rows, so they are left out where rows are hidden."""
    hidden = () if with_statistics else STATISTICS
    return [_without_empty(asdict(column), hidden) for column in inputs_of(version)]


def _without_empty(column: dict[str, Any], hidden: tuple[str, ...]) -> dict[str, Any]:
    kept = {"name", "type", "required", "unseen"}
    return {
        key: value for key, value in column.items() if key in kept or (key not in hidden and value not in (None, ()))
    }


def example_of(version: ModelVersion) -> dict[str, Any]:
    """An instance that the version answers: a usual value in each column."""
    return {column.name: column.example for column in inputs_of(version)}
