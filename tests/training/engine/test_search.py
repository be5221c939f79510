"""A search is checked against declarations, repeats itself, and does better than chance."""

from __future__ import annotations

import math
from typing import Any

import pytest

from plugins.params import Param, validate_params
from training.engine import search
from training.engine.errors import TrainError
from training.engine.family import FAMILIES
from training.engine.search import Tried

MLP = FAMILIES["mlp"].params
SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0},
    "dropout": {"low": 0.0, "high": 0.5},
    "activation": ["relu", "tanh"],
}


def valley(params: dict[str, Any]) -> float:
    bend = 0.3 if params["activation"] == "tanh" else 0.0
    return (math.log10(params["learning_rate"]) + 2.5) ** 2 + params["dropout"] + bend


def tried(trials: int, seed: int) -> list[tuple[Any, float]]:
    return [(one.params, one.value or 0.0) for one in past(trials, seed)]


def past(trials: int, seed: int) -> list[Tried]:
    space: Any = search.space(MLP, SPACE)
    finished: list[Tried] = []
    for _ in range(trials):
        params = search.suggest(space, finished, seed=seed)
        finished.append(Tried(params, valley(params)))
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
    known = past(12, seed=1)
    for _ in range(4):
        known.append(Tried(search.suggest(space, known, seed=1), running=True))
    assert len({one.params["learning_rate"] for one in known[12:]}) == 4


def test_maximise_turns_round() -> None:
    space: Any = search.space(MLP, SPACE)
    finished: list[Tried] = []
    for _ in range(30):
        params = search.suggest(space, finished, seed=0, direction="maximise")
        finished.append(Tried(params, -valley(params)))
    assert max(one.value or -9.0 for one in finished) > -0.5


def test_foreign_trials_are_left_out_and_failed_ones_are_poor() -> None:
    space = search.space(MLP, {"dropout": {"low": 0.0, "high": 0.5}})
    odd = [Tried({"dropout": 0.9}, 1.0), Tried({"learning_rate": 5.0}, 1.0)]
    assert 0 <= search.suggest(space, odd, seed=0)["dropout"] <= 0.5
    failed = [Tried({"dropout": 0.3 + i / 200}, None if i % 2 else float("nan")) for i in range(30)]
    good = [Tried({"dropout": 0.1 + i / 100}, 1.0) for i in range(8)]
    drawn = [search.suggest(space, [*failed, *good], seed=seed)["dropout"] for seed in range(8)]
    assert sum(value < 0.25 for value in drawn) >= 6, drawn


def test_what_a_pruned_trial_came_to_informs() -> None:
    """Of trials that were all ended at the same rung, the search turns to where the losses were low."""
    space = search.space(MLP, {"dropout": {"low": 0.0, "high": 0.5}})
    pruned = [Tried({"dropout": i / 60}, pruned=(20, i / 60)) for i in range(30)]
    low = [search.suggest(space, pruned, seed=seed)["dropout"] for seed in range(8)]
    high = [
        search.suggest(space, [Tried(one.params, pruned=(20, -one.params["dropout"])) for one in pruned], seed=seed)
        for seed in range(8)
    ]
    assert sum(low) < 8 * 0.2 and sum(one["dropout"] for one in high) > 8 * 0.3


def test_a_broken_limit_turns_the_search_away() -> None:
    """The loss falls with the width, and the limit on the size forbids what is wide."""
    space = search.space(MLP, {"batch_size": {"low": 16, "high": 1024, "log": False}})
    known = [Tried({"batch_size": 16 + 34 * i}, 1.0 - i / 30, excess={"size": (34 * i - 500) / 500}) for i in range(30)]
    drawn = [search.suggest(space, known, seed=seed)["batch_size"] for seed in range(8)]
    free = [search.suggest(space, [Tried(one.params, one.value) for one in known], seed=seed) for seed in range(8)]
    assert sum(drawn) / 8 < 620 < sum(one["batch_size"] for one in free) / 8


CONDITIONAL = (
    Param("optimiser", "choice", "adamw", "", choices=("adamw", "momentum"), tunable=True),
    Param("momentum", "float", 0.9, "", low=0.0, high=0.999, tunable=True, when=("optimiser", ("momentum",))),
)


def test_a_conditional_parameter_is_drawn_only_where_it_counts() -> None:
    asked = {"momentum": {"low": 0.5, "high": 0.99}, "optimiser": ["adamw", "momentum"]}
    space = search.space(CONDITIONAL, asked)
    known: list[Tried] = []
    for _ in range(24):
        params = search.suggest(space, known, seed=3)
        known.append(Tried(params, 1.0 - params.get("momentum", 0.0)))
    assert all(("momentum" in one.params) == (one.params["optimiser"] == "momentum") for one in known)
    assert {one.params["optimiser"] for one in known} == {"adamw", "momentum"}
    alone = search.space(CONDITIONAL, {"momentum": {"low": 0.5}})
    assert "momentum" in search.suggest(alone, [], seed=0), "a parameter that is not searched calls for nothing"


@pytest.mark.parametrize("family", FAMILIES.names())
def test_every_family_says_what_is_worth_searching(family: str) -> None:
    declared = FAMILIES[family].params
    asked = search.default_search(declared)
    space = search.space(declared, asked)
    drawn = search.suggest(space, [], seed=1)
    assert 1 <= len(space) <= 8
    validate_params(declared, drawn)


def test_a_range_left_open_is_the_usual_one() -> None:
    usual = Param(
        "rate", "float", 0.1, "", low=1e-9, high=10.0, tunable=True, search={"low": 0.01, "high": 0.3, "log": True}
    )
    (one,) = search.space((usual,), {"rate": {}})
    assert (one.low, one.high, one.log) == (0.01, 0.3, True)
    (own,) = search.space((usual,), {"rate": {"low": 1e-6}})
    assert (own.low, own.high) == (1e-6, 0.3)


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
    """As when a trial has ended and its score is not known yet."""
    space = search.space(FAMILIES["linear"].params, {"learning_rate": {"low": 0.001, "high": 0.3, "log": True}})
    known = [Tried({"learning_rate": 0.01}, 0.5)]
    drawn = [search.suggest(space, known, seed=7, number=number) for number in range(1, 5)]
    assert len({one["learning_rate"] for one in drawn}) == 4
