"""A counterfactual gets the wanted answer, changes only what may change, and changes little."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.runtime.explain.background import Background
from serving.runtime.explain.counterfactuals import Search
from serving.runtime.explain.goals import goal_of
from serving.runtime.explain.moves import columns_of
from serving.runtime.faults import InstanceErrors
from serving.runtime.inputs import Input
from serving.runtime.predictor import Predictor
from tests.serving.runtime.explain import models
from tests.serving.runtime.explain.models import COLUMNS, INSTANCES

Row = dict[str, Any]
few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KINDS = ["linear", "trees", "forest", "mlp"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    known: dict[Any, Predictor] = {}

    def make(kind: str, task: str, seed: int = 0) -> Predictor:
        if (kind, task, seed) not in known:
            folder = tmp_path_factory.mktemp("model") / "artifact"
            known[kind, task, seed] = Predictor.load(models.write(folder, kind, task, seed=seed))
        return known[kind, task, seed]

    return make


def search(predictor: Predictor, instance: Row, want: Any = None, **limits: Any) -> tuple[Search, Any]:
    [now] = predictor.predict([instance])
    goal = goal_of(want, predictor.classes, now)
    columns = columns_of(predictor.inputs, models.background())
    return Search(predictor.predict, goal, instance, columns, **limits), goal


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("kind", KINDS)
@few
@given(instance=INSTANCES, locked=st.sets(st.sampled_from(COLUMNS), max_size=3), seed=st.integers(0, 2))
def test_it_flips_the_answer_and_touches_nothing_locked(
    made: Any, kind: str, task: str, instance: Row, locked: set[str], seed: int
) -> None:
    predictor = made(kind, task, seed)
    [now] = predictor.predict([instance])
    looking, goal = search(predictor, instance, locked=locked)
    inputs = {column.name: column for column in predictor.inputs}
    for way in looking.run():
        assert way.changes
        assert not locked & set(way.changes)
        [answer] = predictor.predict([{**instance, **way.changes}])
        assert answer["label"] != now["label"]
        assert goal.reached(answer)
        for name, value in way.changes.items():
            assert value != instance[name]
            assert not inputs[name].outside(value)
            assert not inputs[name].unknown(value)
            assert inputs[name].type != "integer" or isinstance(value, int)


@few
@given(instance=INSTANCES, direction=st.sampled_from(["up", "down"]))
def test_a_direction_is_kept(made: Any, instance: Row, direction: str) -> None:
    looking, _goal = search(made("mlp", "binary"), instance, directions={"age": direction})
    for way in looking.run(5):
        if "age" in way.changes:
            assert (way.changes["age"] > instance["age"]) == (direction == "up")


@few
@given(instance=INSTANCES)
def test_the_fewest_changes_come_first_and_no_change_is_idle(made: Any, instance: Row) -> None:
    predictor = made("trees", "binary")
    looking, goal = search(predictor, instance)
    ways = looking.run()
    assert [len(way.changes) for way in ways] == sorted(len(way.changes) for way in ways)
    for way in ways:
        for name in way.changes if len(way.changes) > 1 else ():
            fewer = {other: value for other, value in way.changes.items() if other != name}
            assert not goal.reached(predictor.predict([{**instance, **fewer}])[0])


def test_a_number_goes_only_as_far_as_is_needed(made: Any) -> None:
    """Of a linear model the boundary is known: the change ends within a hundredth of the spread behind it."""
    predictor = made("linear", "regression")
    instance = {"age": 50, "income": 0.0, "city": "Lyon", "owner": False, "debt": 0.0}
    [now] = predictor.predict([instance])
    locked = {"age", "city", "owner", "debt"}
    slope = predictor.predict([{**instance, "income": 1.0}])[0]["value"] - now["value"]
    looking, _goal = search(predictor, instance, {"at_least": now["value"] + 0.8 * abs(slope)}, locked=locked)
    [way] = looking.run()
    assert abs(way.changes["income"]) == pytest.approx(0.8, abs=0.02)
    assert way.answer["value"] >= now["value"] + 0.8 * abs(slope)


def test_none_is_an_answer(made: Any) -> None:
    predictor = made("linear", "regression")
    instance = {"age": 50, "income": 0.0, "city": "Lyon", "owner": False, "debt": 0.0}
    looking, _goal = search(predictor, instance, {"at_least": 1e9})
    assert looking.run() == []
    everything, _goal = search(predictor, instance, {"at_least": 1e9}, locked=set(COLUMNS))
    assert everything.run() == []


def test_dates_stay_dates_and_whole_numbers_whole() -> None:
    inputs = [
        Input("since", "date", minimum="2020-01-01", maximum="2024-12-31", example="2022-06-01"),
        Input("seen", "datetime", minimum="2020-01-01T00:00:00", maximum="2024-12-31T12:30:00"),
        Input("count", "integer", minimum=0, maximum=9),
        Input("note", "text"),
    ]
    columns = {column.name: column for column in columns_of(inputs, Background.of_examples(inputs))}
    assert set(columns) == {"since", "seen", "count"}
    assert all(len(value) == 10 for value in columns["since"].values)
    assert columns["since"].values[0] == "2020-01-01"
    assert columns["since"].values[-1] == "2024-12-31"
    assert columns["seen"].values[-1] == "2024-12-31T12:30:00"
    assert columns["count"].values == tuple(range(10))
    assert columns["since"].distance("2022-01-01", "2022-01-02") == pytest.approx(1 / columns["since"].spread)


@pytest.mark.parametrize(
    ("want", "field"),
    [
        ("good", "want"),
        ({"label": "purple"}, "want.label"),
        ({"colour": "good"}, "want.colour"),
        ({"label": "good", "at_least": 2}, "want.at_least"),
        ({"decision": "approve"}, "want.decision"),
        ({"label": "there"}, "want"),
    ],
)
def test_a_wish_that_cannot_be_read_says_where(made: Any, want: Any, field: str) -> None:
    predictor = made("linear", "binary")
    [now] = predictor.predict([{"age": 50, "owner": False}])
    wanted = {"label": now["label"]} if want == {"label": "there"} else want
    with pytest.raises(InstanceErrors) as caught:
        goal_of(wanted, predictor.classes, now)
    assert caught.value.errors[0]["field"] == field


def test_a_value_needs_to_be_told_where_to(made: Any) -> None:
    predictor = made("linear", "regression")
    [now] = predictor.predict([{"age": 50, "owner": False}])
    for want in (None, {}, {"at_least": 1, "at_most": 2}, {"at_least": "1"}):
        with pytest.raises(InstanceErrors):
            goal_of(want, predictor.classes, now)


def test_a_probability_can_be_asked_for(made: Any) -> None:
    instance = {"age": 30, "income": 0.1, "city": "Lyon", "owner": False, "debt": 0.2}
    predictor = made("trees", "binary")
    looking, _goal = search(predictor, instance, {"label": "good", "at_least": 0.8})
    [way, *_more] = looking.run()
    assert way.answer["probabilities"]["good"] >= 0.8
