"""A search is checked against declarations, repeats itself, and does better than chance."""

from __future__ import annotations

import math
from typing import Any

import pytest

from training.engine import search
from training.engine.errors import TrainError
from training.engine.family import FAMILIES

MLP = FAMILIES["mlp"].params
SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0},
    "dropout": {"low": 0.0, "high": 0.5},
    "activation": ["relu", "tanh"],
}


def valley(params: dict[str, Any]) -> float:
    bend = 0.3 if params["activation"] == "tanh" else 0.0
    return (math.log10(params["learning_rate"]) + 2.5) ** 2 + params["dropout"] + bend


def tried(trials: int, seed: int) -> list[tuple[dict[str, Any], float]]:
    space, finished = search.space(MLP, SPACE), []
    for _ in range(trials):
        params = search.suggest(space, finished, seed=seed)
        finished.append((params, valley(params)))
    return finished


def test_suggestions_stay_inside_and_repeat() -> None:
    first, second = tried(15, seed=4), tried(15, seed=4)
    assert first == second != tried(15, seed=5)
    assert all(1e-4 <= p["learning_rate"] <= 1 and 0 <= p["dropout"] <= 0.5 for p, _ in first)
    assert {p["activation"] for p, _ in first} == {"relu", "tanh"}


def test_it_learns_from_what_was_tried() -> None:
    late = [sum(value for _, value in tried(40, seed)[25:]) / 15 for seed in range(3)]
    early = [sum(value for _, value in tried(8, seed)) / 8 for seed in range(3)]
    assert sum(late) < 0.6 * sum(early)


def test_parallel_trials_spread_out() -> None:
    space = search.space(MLP, SPACE)
    finished = tried(12, seed=1)
    running: list[dict[str, Any]] = []
    for _ in range(4):
        running.append(search.suggest(space, finished, seed=1, running=running))
    assert len({params["learning_rate"] for params in running}) == 4


def test_maximise_turns_round() -> None:
    space, finished = search.space(MLP, SPACE), []
    for _ in range(30):
        params = search.suggest(space, finished, seed=0, direction="maximise")
        finished.append((params, -valley(params)))
    assert max(value for _, value in finished) > -0.5


def test_failed_and_foreign_trials_are_left_out() -> None:
    space = search.space(MLP, SPACE)
    odd = [({"learning_rate": 5.0}, 1.0), ({**tried(1, 0)[0][0]}, float("nan"))]
    assert search.suggest(space, odd, seed=0).keys() == SPACE.keys()


def test_whole_numbers_and_lists_may_be_searched() -> None:
    space = search.space(MLP, {"batch_size": {"low": 32, "high": 1024}, "hidden": [[32], [64, 64]]})
    drawn = [search.suggest(space, [], seed=seed) for seed in range(10)]
    assert all(isinstance(params["batch_size"], int) for params in drawn)
    assert {tuple(params["hidden"]) for params in drawn} == {(32,), (64, 64)}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "search"),
        ({"levitation": {"low": 0, "high": 1}}, "search.levitation"),
        ({"keep_best": [True, False]}, "search.keep_best"),
        ({"learning_rate": {"low": 1.0, "high": 0.1}}, "search.learning_rate"),
        ({"learning_rate": {"low": 1e-9, "high": 0.1}}, "search.learning_rate"),
        ({"learning_rate": {"low": 0.1, "high": 0.2, "step": 1}}, "search.learning_rate"),
        ({"learning_rate": "any"}, "search.learning_rate"),
        ({"dropout": {"low": 0.0, "high": 0.5, "log": True}}, "search.dropout"),
        ({"activation": ["relu", "swoosh"]}, "search.activation"),
        ({"activation": ["relu"]}, "search.activation"),
        ({"activation": ["relu", "relu"]}, "search.activation"),
        ({"hidden": {"low": 1, "high": 2}}, "search.hidden"),
    ],
)
def test_a_search_outside_the_declarations_is_refused(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(TrainError) as caught:
        search.space(MLP, asked)
    assert caught.value.field == field


def test_suggestions_with_the_same_past_differ_by_their_number() -> None:
    """As when a trial has ended and its score is not known yet: it counts neither as running nor as finished."""
    space = search.space(FAMILIES["linear"].params, {"learning_rate": {"low": 0.001, "high": 0.3, "log": True}})
    drawn = [search.suggest(space, [({"learning_rate": 0.01}, 0.5)], seed=7, number=number) for number in range(1, 5)]
    assert len({one["learning_rate"] for one in drawn}) == 4
