"""A challenger for credit-scoring, and what the tests of rollouts ask of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from departments.access import Actor, actor_for
from serving import prediction_log
from serving.models import Deployment, Rollout
from serving.rollouts import services
from serving.rollouts.steps import Step
from tests.serving.artifacts import INPUTS
from training.models import ModelVersion

URL = "/api/v1/deployments/credit-scoring/"
PREDICT = URL + "predict/"
HALF = Step("canary", 0.5, None, 0)
SHADOW = Step("shadow", 0.0, None, 0)
# A city is required: an instance without one is read by the champion and not by this one.
PICKY = [*INPUTS[:2], {**INPUTS[2], "required": True}]


@pytest.fixture
def challenger(deployment: Deployment, make_version: Callable[..., ModelVersion]) -> ModelVersion:
    """Version 2: other probabilities than the champion's, mostly the same label."""
    return make_version(gain=1.5)


@pytest.fixture
def emil(people: SimpleNamespace) -> Actor:
    return actor_for(people.emil)


@pytest.fixture
def begin(deployment: Deployment, emil: Actor) -> Callable[..., Rollout]:
    """`begin(version, HALF)`: a rollout of Emil's with these steps."""

    def make(version: ModelVersion, *steps: Step, **kwargs: Any) -> Rollout:
        return services.start(actor=emil, deployment=deployment, challenger=version, steps=steps or (HALF,), **kwargs)

    return make


def ship() -> int:
    """Store what was logged, as the thread of a web process does each second: alarms are looked at."""
    return prediction_log.ship()


def baked(rollout: Rollout, minutes: float = 60) -> None:
    """As if the present step had begun so long ago."""
    Rollout.objects.filter(pk=rollout.pk).update(step_began_at=timezone.now() - timedelta(minutes=minutes))
