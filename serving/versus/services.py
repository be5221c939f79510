"""What is known of several versions, each figure beside the others' and only what one reader may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from departments.access import Actor, Verb, decide
from serving.charts import Dot, Dots, dots
from serving.reporting import figures
from serving.reporting.figures import Metric
from serving.versions import RELATED
from training import results
from training.comparison import Column, differing
from training.engine.family import FAMILIES
from training.models import ModelVersion
from training.overrides import with_overrides
from training.scored import scored_rows

MOST = 6  # each is drawn from 200 times while the reader waits


@dataclass(frozen=True, slots=True)
class Side:
    """One version. `metrics` are of its own held-out rows, with intervals where those were kept, by name."""

    version: ModelVersion
    own: bool
    metrics: dict[str, Metric]
    rows: int | None
    part: str
    ece: float | None
    findings: list[dict[str, Any]]
    deployments: list[Any]

    @property
    def name(self) -> str:
        return f"{self.version.model.name} v{self.version.number}"


def chosen(actor: Actor, ids: Sequence[UUID]) -> list[ModelVersion]:
    """The versions of these ids that the actor may discover, in that order, MOST at most."""
    asked = list(dict.fromkeys(ids))[:MOST]
    place = {key: i for i, key in enumerate(asked)}
    visible = ModelVersion.objects.visible_to(actor).select_related(*RELATED).filter(pk__in=asked)
    found = [version for version in visible if decide(actor, Verb.DISCOVER, version).allowed]
    return sorted(found, key=lambda version: place[version.pk])


def answer_alike(versions: Sequence[ModelVersion]) -> bool:
    """Whether all predict the same column in the same way: only then do figures stand beside each other."""
    return len({(version.task, version.target) for version in versions}) <= 1


def side_of(actor: Actor, version: ModelVersion) -> Side:
    """Recipes, deployments and their names are for members of the owner, as on the version's own page."""
    own = version.department_id in actor.roles
    found = figures.of_version(scored_rows(version), version.task)
    kept = {each.name: each for each in found.get("metrics", [])}
    return Side(
        version=version,
        own=own,
        metrics=kept or _of_card(version),
        rows=found.get("rows"),
        part=found.get("part", ""),
        ece=found.get("ece"),
        findings=with_overrides(version),
        deployments=list(version.deployments.order_by("name")) if own else [],
    )


def _of_card(version: ModelVersion) -> dict[str, Metric]:
    """Without scored rows: what the training measured, of which no interval is known."""
    metrics = version.card.get("metrics") or {}
    known = {name: results.of_part(metrics, name) for name in results.WORDS}
    return {name: Metric(name, value, None, None) for name, value in known.items() if value is not None}


def metrics_of(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """Every metric that one of them has: its word, a cell for each, and a chart of the intervals."""
    names = [name for name in results.WORDS if any(name in side.metrics for side in sides)]
    return [_metric(name, sides) for name in names]


def _metric(name: str, sides: Sequence[Side]) -> dict[str, Any]:
    found = [side.metrics.get(name) for side in sides]
    values = [each.value if each else None for each in found]
    word = str(results.WORDS[name])
    column = Column(name, word, "metric", values, smaller=name in results.SMALLER_IS_BETTER)
    cells = [{"found": each, "best": column.best is not None and each and each.value == column.best} for each in found]
    return {"name": name, "word": word, "smaller": column.smaller, "cells": cells}


def chart_of(metrics: Sequence[dict[str, Any]], sides: Sequence[Side]) -> Dots | None:
    """The first metric of the task with its intervals, one row a version."""
    if not metrics:
        return None
    names = [item["name"] for item in metrics]
    first = next((name for name in ("r2", "auc", "accuracy") if name in names), names[0])
    shown = next(item for item in metrics if item["name"] == first)
    rows = [
        Dot(side.name, cell["found"].value, cell["found"].low, cell["found"].high)
        for side, cell in zip(sides, shown["cells"], strict=True)
        if cell["found"]
    ]
    return dots(_("%s on held-out rows, with 95 %% intervals") % shown["word"], rows, percent=False)


def differences_of(sides: Sequence[Side]) -> list[Column]:
    """Data, recipe, training and parameters in which the versions differ, as their cards say."""
    return differing([_settings(side) for side in sides])


def _settings(side: Side) -> dict[str, Any]:
    card, family = side.version.card, side.version.family
    data, run = card.get("dataset") or {}, card.get("run") or {}
    recipe = " → ".join(step.get("step", "") for step in (card.get("recipe") or {}).get("steps") or [])
    shared = {
        _("Data set"): f"{data['name']} v{data['version']}" if data else "",
        _("Rows"): data.get("rows"),
        _("Recipe"): recipe if side.own else "",
        _("Columns"): len(card.get("features") or []),
        _("Model"): str(FAMILIES[family].label) if family in FAMILIES else family,
        _("Preset"): run.get("preset"),
        _("Seed"): run.get("seed"),
        _("Seconds"): card.get("seconds"),
    }
    said = {**shared, **dict(results.params_of(family, card.get("params") or {}))}
    return {str(name): value for name, value in said.items() if value not in (None, "", [], {})}
