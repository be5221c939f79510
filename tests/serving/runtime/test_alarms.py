"""Alarms speak when chance does not explain it, and the counts behind them add up."""

from __future__ import annotations

import random

import pytest

from serving.runtime.rollouts.alarms import Bounds, first_alarm, is_above, lowest_share
from serving.runtime.rollouts.comparing import agree, distance
from serving.runtime.rollouts.tally import Latencies, Tally

BOUNDS = Bounds(errors=0.02, p95_ratio=3.0, disagreement=0.2)


def kind(tally: Tally, before: Tally | None = None, bounds: Bounds = BOUNDS) -> str | None:
    alarm = first_alarm(bounds, tally, before or tally)
    return alarm.kind if alarm else None


def took(*microseconds: float) -> Latencies:
    made = Latencies()
    for each in microseconds:
        made.add(each)
    return made


@pytest.mark.parametrize(
    ("failed", "tried", "speaks"),
    [(0, 0, False), (2, 2, False), (3, 3, True), (3, 20, True), (3, 100, False), (20, 1000, False), (40, 1000, True)],
)
def test_failures_beyond_chance(failed: int, tried: int, speaks: bool) -> None:
    assert (kind(Tally(tried=tried, failed=failed)) == "errors") is speaks


def test_other_answers_beyond_chance() -> None:
    assert kind(Tally(tried=50, compared=50, agreed=50)) is None
    assert kind(Tally(tried=50, compared=50, agreed=38)) is None
    assert kind(Tally(tried=50, compared=50, agreed=20)) == "disagreement"


def test_slow_calls_beyond_chance() -> None:
    usual = Tally(champion_answered_in=took(*[2_000] * 50))
    assert kind(Tally(challenger_answered_in=took(*[5_000] * 50)), usual) is None
    assert kind(Tally(challenger_answered_in=took(*[30_000] * 3)), usual) == "latency"
    assert kind(Tally(challenger_answered_in=took(*[2_000] * 57, *[30_000] * 3)), usual) is None


def test_what_nobody_notices_is_no_alarm() -> None:
    """Ten times as slow and still within five milliseconds more."""
    usual = Tally(champion_answered_in=took(*[300] * 50))
    assert kind(Tally(challenger_answered_in=took(*[3_000] * 50)), usual) is None


def test_without_a_champion_to_compare_with_latency_says_nothing() -> None:
    assert kind(Tally(challenger_answered_in=took(*[1e6] * 50)), Tally(champion_answered_in=took(100))) is None


def test_a_bound_of_none_watches_nothing() -> None:
    off = Bounds(errors=None, p95_ratio=None, disagreement=None)
    bad = Tally(tried=50, failed=50, compared=50, challenger_answered_in=took(*[1e6] * 50))
    assert kind(bad, Tally(champion_answered_in=took(*[10] * 50)), off) is None


def test_a_good_challenger_is_left_alone() -> None:
    """1 % of failures where 2 % may, looked at after each of 20,000 calls: chance raises no alarm."""
    draw = random.Random(5)
    failed = 0
    for tried in range(1, 20_001):
        failed += draw.random() < 0.01
        assert not is_above(failed, tried, 0.02), (failed, tried)


def test_the_lowest_share_is_wilsons() -> None:
    # The lower end of the 95 % interval of 10 of 100, from Brown, Cai and DasGupta's formula by hand.
    assert lowest_share(10, 100, z=1.959964) == pytest.approx(0.05523, abs=1e-4)
    assert lowest_share(0, 10) == pytest.approx(0) and lowest_share(0, 0) == 0


def test_tallies_add_up_and_survive_json() -> None:
    one = Tally(champion=2, tried=1, compared=1, agreed=1, difference=0.5, champion_compared_in=took(100))
    two = Tally(challenger=3, tried=3, failed=1, fell_back=1, champion_compared_in=took(100, 900))
    both = Tally.from_json((one + two).as_json())
    assert (both.champion, both.challenger, both.tried, both.failed, both.difference) == (2, 3, 4, 1, 0.5)
    assert both.champion_compared_in.calls == 3
    assert both == one + two


def test_percentiles_are_within_five_per_cent() -> None:
    draw = random.Random(1)
    values = sorted(draw.lognormvariate(7, 1) for _ in range(5000))
    found = took(*values)
    for share in (0.5, 0.95):
        assert found.at(share) == pytest.approx(values[int(share * 5000)], rel=0.05)
    assert Latencies().at(0.5) is None


def test_answers_that_agree() -> None:
    good, bad = (
        {"label": each, "probabilities": {"bad": p, "good": 1 - p}} for each, p in (("good", 0.2), ("bad", 0.7))
    )
    assert agree([good], [good]) and not agree([good, good], [good, bad])
    assert distance([good, good], [good, bad]) == pytest.approx(0.25)
    assert agree([{"value": 100.0}], [{"value": 104.0}]) and not agree([{"value": 100.0}], [{"value": 110.0}])
    assert distance([{"value": 100.0}], [{"value": 110.0}]) == 10
    assert agree([{"value": 0.0}], [{"value": 0.0}])
