"""One training over two processes gives what one process gives."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugins.params import validate_params
from tests.conformance.test_families import problem
from tests.training.engine.tables import Killed, Killer, Watcher
from training.engine import distributed
from training.engine.control import Control, Silent
from training.engine.distributed import Team
from training.engine.errors import TrainError
from training.engine.family import FAMILIES

pytestmark = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two processes take two cores")
GIVEN: dict[str, Any] = {"epochs": 6, "batch_size": 32, "dropout": 0.0, "hidden": [16]}


def fit(control: Control, **given: Any) -> np.ndarray:
    own = problem("multiclass")
    params = validate_params(FAMILIES["mlp"].params, GIVEN | given)
    return FAMILIES["mlp"].fit(own, params, control).predict(own.validation.X)


def children() -> list[int]:
    """Processes that this one started and that still run."""
    return [
        int(line.split()[0])
        for path in Path("/proc").glob("[0-9]*/stat")
        if (line := path.read_text()) and line.rsplit(")", 1)[1].split()[1] == str(os.getpid()) and " Z " not in line
    ]


def test_two_processes_end_where_one_does_and_only_the_first_speaks() -> None:
    before = children()
    given = {"mixup": 0.3, "averaging": "ema", "averaging_decay": 0.9, "schedule": "plateau", "plateau_patience": 1}
    watchers = [Watcher(), Watcher()]
    alone, together = (
        fit(Control(watcher), processes=number, **given) for number, watcher in zip((1, 2), watchers, strict=True)
    )
    np.testing.assert_allclose(together, alone, atol=1e-5)
    curves = [watcher.series("validation_loss") for watcher in watchers]
    np.testing.assert_allclose(curves[1], curves[0], atol=1e-5)
    assert distributed.team().size == 1
    assert children() == before


def test_killed_it_resumes_exactly_and_leaves_no_process(tmp_path: Path) -> None:
    before = children()
    own = {"processes": 2, "dropout": 0.25}
    whole = fit(Control(Silent()), **own)
    store = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        fit(Control(Killer(9), store=store, checkpoint_every=0.0), **own)
    assert children() == before
    np.testing.assert_array_equal(fit(Control(Silent(), store=store), **own), whole)


def test_a_dead_rank_fails_the_fit_and_says_so() -> None:
    before = children()

    class Murderer(Silent):
        def metrics(self, step: int, values: dict[str, float]) -> None:
            for pid in set(children()) - set(before):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    with pytest.raises(TrainError, match="processes was lost") as caught:
        fit(Control(Murderer()), processes=2)
    assert caught.value.code == "process_lost" and "checkpoint" in caught.value.hint
    assert children() == before


def test_more_processes_than_cores_are_refused() -> None:
    with pytest.raises(TrainError, match=r"64 processes were asked for, and \d+ cores") as caught:
        fit(Control(Silent()), processes=64)
    assert caught.value.field == "params.processes"


def test_shares_cover_every_row_once() -> None:
    for rows in (2, 3, 7, 64):
        shares = [Team(rank, 2).share(rows) for rank in range(2)]
        assert [shares[0][0].start, shares[0][0].stop, shares[1][0].stop] == [0, shares[1][0].start, rows]
        assert sum(weight for _, weight in shares) == pytest.approx(1.0)
    assert Team(1, 2).share(1) == (slice(0, 1), 0.5)
