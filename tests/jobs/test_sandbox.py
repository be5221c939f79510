"""Questions about bytes that nobody trusts are answered in a child that cannot hurt, whatever it does."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from jobs import sandbox
from jobs.sandbox import Limits, SandboxFailed
from tests.jobs.site import wait_until


def ask(name: str, question: dict[str, Any] | None = None, **limits: Any) -> dict[str, Any]:
    return sandbox.ask(f"tests.jobs.questions:{name}", question or {}, Limits(**limits))


def failure(name: str, question: dict[str, Any] | None = None, **limits: Any) -> str:
    with pytest.raises(SandboxFailed) as failed:
        ask(name, question, **limits)
    return failed.value.code


def test_it_answers_in_json() -> None:
    assert ask("echo", {"text": "zażółć 中文", "list": [1, None]}) == {
        "echo": {"text": "zażółć 中文", "list": [1, None]}
    }


def test_it_knows_no_secret_and_has_a_session_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATRIUM_SECRET_KEY", "s3cret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@h/d")
    told = ask("environment")
    assert told["session"] and not {"ATRIUM_SECRET_KEY", "DATABASE_URL", "HOME"} & set(told["names"])


def test_when_its_time_is_over_it_goes_with_all_that_it_started(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    assert failure("forever", {"told": str(told)}, seconds=1.5) == "timeout"
    wait_until(lambda: not _lives(int(told.read_text())), 5, "the grandchild's end")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(
    ("name", "limits", "code"),
    [
        ("spin", {"cpu_seconds": 1}, "timeout"),
        ("hoard", {"memory_mb": 512}, "memory"),
        ("crash", {}, "crash"),
        ("fail", {}, "crash"),
        ("garbage", {}, "garbage"),
        ("wordy", {}, "garbage"),
        ("no_object", {}, "garbage"),
        ("no_such_function", {}, "crash"),
    ],
)
def test_what_goes_wrong_is_named(name: str, limits: dict[str, Any], code: str) -> None:
    assert failure(name, None, **limits) == code


def test_it_writes_no_more_than_it_may(tmp_path: Path) -> None:
    path = tmp_path / "large"
    assert failure("write", {"path": str(path)}, file_mb=4) == "crash"
    assert path.stat().st_size <= 4 << 20
    assert ask("write", {"path": str(path)}, file_mb=16) == {}


def test_only_so_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr(sandbox, "_turns", turns)
    with turns:
        assert failure("echo", seconds=0.1) == "busy"
    assert ask("echo") == {"echo": {}}
    assert failure("crash") == "crash"
    assert ask("echo") == {"echo": {}}
