"""Pause, resume, stop, cancel, and a worker that dies: nothing is lost, and what a resumed run learns is the same."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from departments.access import actor_for
from jobs.context import JobContext
from jobs.testing import run_pending
from rest.problems import Refused
from training import services
from training.models import ModelVersion

# Batches and a net: order, dropout and the optimiser's moments all must survive an interruption.
NET = {"hidden": [8], "epochs": 12, "batch_size": 32, "dropout": 0.2, "patience": None}


@pytest.fixture
def net_run(linear_run: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **changes: linear_run(NET, family="mlp", target="defaulted", **changes)


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`signalled("pause", after=9)`: the training's tenth look at its job finds that word, once."""

    def arrange(word: str, after: int) -> None:
        looks = iter(range(10**9))
        monkeypatch.setattr(JobContext, "signal", lambda self: word if next(looks) == after else "go")

    return arrange


def sha_of(run: Any) -> str:
    return str(ModelVersion.objects.get(run=run).sha256)


def test_a_paused_run_ends_as_the_uninterrupted_one(
    net_run: Callable[..., Any], signalled: Callable[..., None], people: SimpleNamespace
) -> None:
    whole = net_run()
    run_pending()
    run = net_run()
    signalled("pause", 20)
    (job,) = run_pending()
    run.refresh_from_db()
    assert (job.state, run.current_state) == ("paused", "paused")
    assert 0 < run.points.count() < whole.points.count()
    services.signal_run(actor=actor_for(people.alice), run=run, signal="resume")
    run_pending()
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert sha_of(run) == sha_of(whole)
    whole.refresh_from_db()
    assert run.metrics == whole.metrics


def test_a_run_whose_worker_dies_ends_as_the_uninterrupted_one(
    net_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.engine.control import Control

    whole = net_run()
    run_pending()
    run = net_run()
    looks = iter(range(10**9))
    monkeypatch.setattr(Control, "go_on", dies_once(Control.go_on, looks, at=25))
    run_pending()
    run.refresh_from_db()
    assert (run.state, run.job.attempt > whole.job.attempt) == ("succeeded", True)
    assert sha_of(run) == sha_of(whole)
    assert list(run.points.values_list("step", flat=True)) == sorted(run.points.values_list("step", flat=True))


def dies_once(go_on: Any, looks: Any, at: int) -> Any:
    """Saves a checkpoint at every tenth look, and breaks off at one of them."""

    def broken(self: Any, snapshot: Any) -> Any:
        look = next(looks)
        if look % 10 == 0:
            self.save(snapshot)
        if look == at:
            raise OSError("as if killed")
        return go_on(self, snapshot)

    return broken


def test_stop_keeps_the_best(net_run: Callable[..., Any], signalled: Callable[..., None]) -> None:
    run = net_run()
    signalled("stop", 20)
    run_pending()
    run.refresh_from_db()
    assert run.state == "stopped"
    assert run.model_version.card["stopped_early"] is True


def test_cancel_leaves_no_model(net_run: Callable[..., Any], signalled: Callable[..., None]) -> None:
    run = net_run()
    signalled("cancel", 20)
    (job,) = run_pending()
    run.refresh_from_db()
    assert (job.state, run.state) == ("cancelled", "cancelled")
    assert not ModelVersion.objects.exists()
    assert run.finished_at is not None


def test_an_ended_run_is_not_steered(net_run: Callable[..., Any], people: SimpleNamespace) -> None:
    run = net_run()
    run_pending()
    run.refresh_from_db()
    with pytest.raises(Refused) as refused:
        services.signal_run(actor=actor_for(people.alice), run=run, signal="pause")
    assert refused.value.code == "run_ended"


def test_same_seed_same_bytes(net_run: Callable[..., Any]) -> None:
    runs = [net_run(seed=5), net_run(seed=5), net_run(seed=6)]
    run_pending()
    first, second, third = map(sha_of, runs)
    assert first == second != third
