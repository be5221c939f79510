"""`make test`: the whole suite, first embedded, then on PostgreSQL and Redis; says what was covered and what was not.

ATRIUM_REQUIRE=postgresql,redis,chromium makes a missing part a failure, as continuous integration wants it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import services

# Plain Python that knows no database or broker: once is enough.
PLAIN = ("tests/conformance", "tests/training/engine", "tests/datasets/plain", "tests/serving/runtime")


def chromium_problem() -> str:
    """Why the browser tests cannot run, or "" when they can; installs Debian's Chromium where that is allowed."""
    if not find_chromium() and services.is_debian_root():
        packages = ("chromium", "fonts-noto-cjk", "fonts-inter")
        print("Installing Chromium and fonts for the browser tests …", flush=True)
        services.run("apt-get", "update", "-q", check=False)
        services.run("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages, check=False)
    return (
        ""
        if find_chromium()
        else "Chromium was not found; install it (Debian: apt-get install chromium fonts-noto-cjk)"
    )


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest(marks: str, environment: dict[str, str], *arguments: str) -> int:
    """Run one pass; the exit code 5 (nothing selected) counts as success."""
    base = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        str(workers()),
        "--dist",
        "loadfile",
        "-m",
        marks,
        *arguments,
    ]
    code = subprocess.run(command, cwd=ROOT, env={**base, **environment}, check=False).returncode
    return 0 if code == 5 else code


def workers() -> int:
    return max(1, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))


def main() -> int:
    began = time.monotonic()
    required = {name.strip() for name in os.environ.get("ATRIUM_REQUIRE", "").split(",") if name.strip()}
    browser = chromium_problem()
    unavailable = services.start()
    covered = ["SQLite and the file broker"]
    skipped: list[tuple[str, str]] = []

    print("== Embedded: SQLite and the file broker", flush=True)
    failed = pytest("not servers" + (" and not browser" if browser else ""), {"ATRIUM_HOME": home("embedded")})
    note("chromium", "browser tests in Chromium", browser, covered, skipped)

    if not unavailable:
        print("== Servers: PostgreSQL and Redis", flush=True)
        environment = {
            "DATABASE_URL": services.DATABASE_URL,
            "REDIS_URL": services.REDIS_URL,
            "ATRIUM_SECRET_KEY": "only-for-tests-" + "x" * 50,
            "ATRIUM_HOME": home("servers"),
        }
        ignored = [f"--ignore={path}" for path in PLAIN]
        failed = pytest("not browser", environment, *ignored) or failed
    note("postgresql", "PostgreSQL", unavailable, covered, skipped)
    note("redis", "Redis", unavailable, covered, skipped)

    print(f"\nCovered: {', '.join(covered)}. {time.monotonic() - began:.0f} s in all.")
    for name, why in skipped:
        print(f"Not covered: {name}: {why}")
    missing = sorted(required & {name for name, _why in skipped})
    if missing:
        print(f"Required and not covered: {', '.join(missing)}")
    return 1 if failed or missing else 0


def home(name: str) -> str:
    return str(ROOT / "var" / f"test-{name}")


def note(name: str, label: str, problem: str, covered: list[str], skipped: list[tuple[str, str]]) -> None:
    if problem:
        skipped.append((name, problem))
    else:
        covered.append(label)


if __name__ == "__main__":
    sys.exit(main())
