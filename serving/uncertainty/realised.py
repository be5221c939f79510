"""The coverage that really happened: of the answers whose truth is known, how many intervals or sets held it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import QuerySet

from serving.models import Deployment, Outcome
from serving.runtime.predictor import key_of
from serving.runtime.uncertainty.conformal import Conformal, Coverage
from serving.uncertainty.learned import USUAL, uncertainty_of
from training.models import ModelVersion

MOST = 20_000  # the newest outcomes; more move the share by less than a quarter of a percent


def realised(
    deployment: Deployment,
    *,
    level: float = USUAL,
    since: datetime | None = None,
    until: datetime | None = None,
    version: ModelVersion | None = None,
) -> Coverage | None:
    """Coverage at `level` of the deployment's answers in a stretch of time, of one version or of all that answered.

    Whether callers asked for intervals does not matter: they follow from the answers. None where no outcome is known
    whose version can give them. Compare `high` with `level`: below it, fewer are covered than was promised.
    """
    found = Outcome.objects.filter(deployment=deployment)
    found = found.filter(prediction__model_version=version) if version else found
    found = found.filter(prediction__created_at__gte=since) if since else found
    found = found.filter(prediction__created_at__lt=until) if until else found
    held, size = [], []
    for version_id, rows in _by_version(found.order_by("-created_at")).items():
        answering = ModelVersion.objects.only("task", "manifest", "run_id").get(pk=version_id)
        conformal = uncertainty_of(answering)
        if conformal is None or conformal.refusal(level) is not None:
            continue
        prediction, truth, values = _arrays(answering, conformal, rows)
        if len(truth):
            given = conformal.of(prediction, level, values)
            held.append(conformal.kind.covers(given, truth))
            size.append(conformal.kind.size(given))
    return Coverage.of(level, np.concatenate(held), np.concatenate(size)) if held else None


Known = tuple[Any, Mapping[str, Any], Mapping[str, Any]]  # truth, answer, instance


def _by_version(outcomes: QuerySet[Outcome]) -> dict[UUID, list[Known]]:
    found: dict[UUID, list[Known]] = defaultdict(list)
    fields = ("value", "instance", "prediction__model_version_id", "prediction__answers", "prediction__instances")
    for truth, place, version_id, answers, instances in outcomes.values_list(*fields)[:MOST].iterator(500):
        instance = instances[place] if isinstance(instances, list) and place < len(instances) else {}
        found[version_id].append((truth, answers[place], instance if isinstance(instance, dict) else {}))
    return found


def _arrays(version: ModelVersion, conformal: Conformal, rows: list[Known]) -> tuple[np.ndarray, np.ndarray, Any]:
    """Predictions (n, k), truths (n,) and, where there are groups, their values.

    A policy may have calibrated the probabilities that the log holds: such answers are left out, since a set is made of
    the model's own.
    """
    column = conformal.grouping.column if conformal.grouping else None
    classes = version.manifest.get("classes") or []
    place = {key_of(label): code for code, label in enumerate(classes)}
    prediction, truth, values = [], [], []
    for true, answer, instance in rows:
        if "value" in answer:
            prediction.append([answer["value"]])
            truth.append(true)
        elif "decision" not in answer and key_of(true) in place:
            prediction.append([answer["probabilities"][key] for key in place])
            truth.append(place[key_of(true)])
        else:
            continue
        values.append(instance.get(column) if column else None)
    return np.array(prediction, float), np.array(truth), values if column else None
