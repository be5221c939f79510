"""A challenger answers its share of the callers, and none of them sees it fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings
from rest_framework.test import APIClient

from serving import predictors, snapshots
from serving.models import Deployment, Prediction, Rollout
from serving.rollouts import services
from serving.rollouts.watching import total
from serving.runtime.answering import Asked, answer, answer_all
from serving.runtime.faults import InstanceErrors
from serving.runtime.predictor import Predictor
from tests.serving.artifacts import ROW
from tests.serving.rollouts.conftest import HALF, PICKY, PREDICT, SHADOW, ship
from tests.serving.test_predict import ask
from training.models import ModelVersion

Api = Callable[..., APIClient]
Begin = Callable[..., Rollout]
PLAIN = {"age": 45}


def ask_as(client: APIClient, key: str, instances: Any = None) -> Any:
    body = {"instances": instances or [ROW], "key": key}
    return client.post(PREDICT, orjson.dumps(body), content_type="application/json")


def snapshot(deployment: Deployment) -> Any:
    return snapshots.build(snapshots.rows().get(pk=deployment.pk))


def test_ten_per_cent_is_ten_per_cent(deployment: Deployment, challenger: ModelVersion, begin: Begin) -> None:
    begin(challenger, HALF)
    services.reshare(actor=emil_of(deployment), rollout=deployment.rollouts.get(), mode="canary", share=0.1)
    now = snapshot(deployment)
    for key in (lambda n: f"customer-{n}", lambda n: None):
        served = Counter(answer(now, Asked([ROW], key=key(n)), f"request-{n}").served.number for n in range(10_000))
        assert abs(served[2] / 10_000 - 0.1) <= 0.01, served


def emil_of(deployment: Deployment) -> Any:
    from accounts.models import User
    from departments.access import actor_for

    return actor_for(User.objects.get(username="emil"))


def test_a_key_stays_with_its_version(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin
) -> None:
    rollout = begin(challenger, HALF)
    client = api_of("emil")
    first = {f"k{n}": ask_as(client, f"k{n}").json()["model_version"] for n in range(40)}
    assert set(first.values()) == {str(deployment.model_version_id), str(challenger.pk)}
    assert first == {key: ask_as(client, key).json()["model_version"] for key in first}
    services.reshare(actor=emil_of(deployment), rollout=rollout, mode="canary", share=0.8)
    later = {key: ask_as(client, key).json()["model_version"] for key in first}
    theirs = {key for key, version in first.items() if version == str(challenger.pk)}
    assert all(later[key] == str(challenger.pk) for key in theirs), "nobody goes back when the share grows"


def test_in_the_shadow_nobody_gets_its_answers(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin
) -> None:
    begin(challenger, SHADOW)
    client = api_of("emil")
    told = [ask_as(client, f"k{n}").json() for n in range(20)]
    assert {each["model_version"] for each in told} == {str(deployment.model_version_id)}
    ship()
    seen = total(list(deployment.rollouts.get().tallies.all()))
    assert (seen.champion, seen.challenger, seen.compared, seen.failed) == (20, 0, 20, 0)
    assert seen.difference > 0
    assert seen.challenger_compared_in.calls == 20
    assert set(Prediction.objects.values_list("arm", "shadow_agreed")) == {("champion", True)}


def test_a_failure_of_the_challenger_is_answered_by_the_champion(
    api_of: Api, deployment: Deployment, make_version: Any, begin: Begin
) -> None:
    rollout = begin(make_version(inputs=PICKY), HALF, alarms={"errors": None})
    client = api_of("emil")
    told = [ask_as(client, f"k{n}", [PLAIN]) for n in range(30)]
    assert {each.status_code for each in told} == {200}
    assert {each.json()["model_version"] for each in told} == {str(deployment.model_version_id)}
    ship()
    arms = Counter(Prediction.objects.values_list("arm", flat=True))
    assert 0 < arms["fallback"] < 30 and arms["challenger"] == 0
    seen = total(list(rollout.tallies.all()))
    assert seen.failed == seen.tried == 30, "the others are compared, and fail there"
    assert seen.fell_back == arms["fallback"]


def test_what_both_refuse_is_refused(api_of: Api, deployment: Deployment, make_version: Any, begin: Begin) -> None:
    begin(make_version(inputs=PICKY), HALF)
    client = api_of("emil")
    assert {ask_as(client, f"k{n}", [{"age": "x"}]).status_code for n in range(10)} == {422}
    assert ship() == 0


class Raising:
    """A model that raises what it likes."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("graph"), MemoryError(), InstanceErrors([]), ZeroDivisionError()])
def test_whatever_it_raises_the_champion_answers(
    deployment: Deployment, challenger: ModelVersion, begin: Begin, error: Exception
) -> None:
    begin(challenger, HALF)
    now = snapshot(deployment)
    object.__setattr__(now.challenger, "predictor", Raising(error))
    found = answer_all(now, [(Asked([ROW], key=f"k{n}"), "r") for n in range(30)])
    assert {each.served.number for each in found if not isinstance(each, InstanceErrors)} == {1}
    assert {each.fell_back for each in found if not isinstance(each, InstanceErrors)} == {True, False}
    assert not any(isinstance(each, InstanceErrors) for each in found)


def test_one_bad_request_takes_no_other_from_the_challenger(
    deployment: Deployment, challenger: ModelVersion, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch whose computation fails is tried one by one."""
    begin(challenger, HALF)
    now = snapshot(deployment)
    compute = now.challenger.predictor.compute

    def fussy(matrix: Any) -> Any:
        if (matrix == matrix[0]).all():
            return compute(matrix)
        raise RuntimeError

    monkeypatch.setattr(type(now.challenger.predictor), "compute", lambda self, matrix: fussy(matrix))
    rows = [(Asked([{**ROW, "age": 20 + n}], key=f"k{n}"), "r") for n in range(30)]
    alone = [answer_all(now, [each])[0] for each in rows]
    monkeypatch.undo()
    assert {each.served.number for each in alone if not isinstance(each, InstanceErrors)} == {1, 2}


def test_a_challenger_whose_files_were_damaged_answers_nothing(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin
) -> None:
    """As in a process that starts after the damage."""
    rollout = begin(challenger, HALF)
    (Path(settings.HOME) / "files" / challenger.storage_key / "recipe.json").unlink()
    predictors._cache.clear()
    client = api_of("emil")
    told = [ask_as(client, f"k{n}") for n in range(10)]
    assert {(each.status_code, each.json()["model_version"]) for each in told} == {
        (200, str(deployment.model_version_id))
    }
    ship()
    rollout.refresh_from_db()
    assert (rollout.state, rollout.reason["alarm"]) == ("rolled_back", "errors")


def test_a_challenger_that_never_ends_delays_nobody_in_the_shadow(
    api_of: Api, deployment: Deployment, challenger: ModelVersion, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not asked before the answer has left, and not at all once its time is over."""
    begin(challenger, SHADOW)
    asked: list[int] = []
    plain = Predictor.predict

    def count(self: Predictor, instances: Any) -> Any:
        asked.append(1)
        return plain(self, instances)

    monkeypatch.setattr(Predictor, "predict", count)
    client = api_of("emil")
    for n in range(5):
        assert ask(client, [ROW]).status_code == 200, n
    assert asked == []
    monkeypatch.setattr("serving.rollouts.comparing.BUDGET", -1.0)
    ship()
    seen = total(list(deployment.rollouts.get().tallies.all()))
    assert (seen.uncompared, seen.compared, asked) == (5, 0, [])
