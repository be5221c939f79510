"""Which version answers: exact shares, the same keys at every call, and none that moves back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from serving.runtime.routing import place_of, takes_challenger

ROOT = Path(__file__).resolve().parents[3]
KEYS = [f"customer-{n}" for n in range(10_000)]


@pytest.mark.parametrize("salt", ["0011223344556677", "a", ""])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.5])
def test_ten_thousand_calls_share_out_within_one_point(salt: str, share: float) -> None:
    taken = sum(takes_challenger(key, salt, share) for key in KEYS)
    assert abs(taken / len(KEYS) - share) < 0.01 + 0.005 * (share > 0.1)


def test_ten_per_cent_of_request_ids_too() -> None:
    taken = sum(takes_challenger(str(uuid4()), "salt", 0.1) for _ in range(10_000))
    assert 900 <= taken <= 1100


def test_a_share_that_grows_moves_no_key_back() -> None:
    before: set[str] = set()
    for percent in range(0, 101, 5):
        now = {key for key in KEYS if takes_challenger(key, "salt", percent / 100)}
        assert before <= now
        before = now
    assert len(before) == len(KEYS), "with everything, everybody"
    assert not any(takes_challenger(key, "salt", 0.0) for key in KEYS)


def test_another_rollout_begins_with_other_keys() -> None:
    one = {key for key in KEYS if takes_challenger(key, "one", 0.1)}
    other = {key for key in KEYS if takes_challenger(key, "other", 0.1)}
    assert len(one & other) < 0.2 * len(one)


def test_every_process_finds_the_same_place() -> None:
    code = "import sys; sys.path[:0] = ['.']; from serving.runtime.routing import place_of; print(place_of('k', 's'))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert float(said) == place_of("k", "s")


@pytest.mark.parametrize("key", ["", "ü", "\ud800", "x" * 10_000])
def test_any_text_is_a_key(key: str) -> None:
    assert 0 <= place_of(key, "s") < 1
