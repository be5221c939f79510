"""What the sandbox is asked in its tests: plain functions that behave and misbehave."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

Question = dict[str, Any]


def echo(question: Question) -> Question:
    print("something on the way")
    return {"echo": question}


def environment(question: Question) -> Question:
    return {"names": sorted(os.environ), "session": os.getsid(0) == os.getpid(), "modules": "django" in globals()}


def forever(question: Question) -> Question:
    """Starts a process of its own and never comes back."""
    child = subprocess.Popen(["sleep", "600"])
    with open(question["told"], "w") as file:
        file.write(str(child.pid))
    time.sleep(600)
    return {}


def spin(question: Question) -> Question:
    while True:
        pass


def hoard(question: Question) -> Question:
    held = [bytearray(64 << 20) for _ in range(1000)]
    return {"held": len(held)}


def write(question: Question) -> Question:
    with open(question["path"], "wb") as file:
        file.write(b"x" * (8 << 20))
    return {}


def crash(question: Question) -> Question:
    os.kill(os.getpid(), 11)
    return {}


def fail(question: Question) -> Question:
    raise ValueError("of its own")


def garbage(question: Question) -> Question:
    os.write(1, b"not json")
    return {}


def wordy(question: Question) -> Question:
    return {"text": "x" * (33 << 20)}


def no_object(question: Question) -> Any:
    return [1]
