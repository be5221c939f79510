"""The platform as `make run` starts it: real processes, the whole way over REST and in a browser, stop and start again.

Stories A1 and E1, and E3's way from a file to a prediction.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.jobs.site import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.workers, pytest.mark.timeout(240)]


@dataclass
class Platform:
    """One `manage.py up` on a folder of its own."""

    home: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("ATRIUM_", "DATABASE_", "REDIS_", "PYTEST"))}
        return kept | {"ATRIUM_HOME": str(self.home), "ATRIUM_PORT": str(self.port)}

    @property
    def said(self) -> str:
        return (self.home / "said").read_text()

    def start(self) -> None:
        self.home.mkdir(exist_ok=True)
        with (self.home / "said").open("w") as said:
            command = [sys.executable, "manage.py", "up"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=said, stderr=said, text=True)
        wait_until(lambda: "Ctrl-C stops everything" in self.said or self.process.poll() is not None, 60, "the start")  # type: ignore[union-attr]
        assert self.process.poll() is None, self.said

    def stop(self) -> float:
        """Ctrl-C; return the seconds that it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        return time.monotonic() - began

    def manage(self, *command: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "manage.py", *command]
        return subprocess.run(
            arguments, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, timeout=200
        )

    def links(self) -> dict[str, str]:
        """The one-time sign-in links that the last start printed, by user name."""
        return dict(re.findall(r"^  (\w+) .*?(http://\S+/sign-in/link/\S+)$", self.said, re.MULTILINE))

    def left_over(self) -> list[str]:
        """Processes that still run on this folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("ATRIUM_HOME") == str(self.home) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    running = Platform(tmp_path_factory.mktemp("platform") / "home")
    running.start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()


def test_every_sample_person_gets_a_link(platform: Platform) -> None:
    assert {"alice", "bob", "charlie", "dana", "erin"} <= set(platform.links())


def test_demo_goes_the_whole_way(platform: Platform) -> None:
    done = platform.manage("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("Upload", "Profile", "Recipe", "Train", "Tune", "Deploy", "Predict", "1000 predictions", "Done."):
        assert step in done.stdout


def test_second_start_on_the_same_folder_is_refused(platform: Platform) -> None:
    refused = platform.manage("up")
    assert refused.returncode != 0
    assert "runs already" in refused.stderr


class Clicks:
    """A page that counts what the person does with the mouse."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.count = 0

    def click(self, target: Any) -> None:
        target.first.click()
        self.count += 1


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_first_value_within_ten_clicks_and_five_minutes(platform: Platform) -> None:
    """A1: sign in, pick a data set, train, see a what-if."""
    from playwright.sync_api import sync_playwright

    began = time.monotonic()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(60_000)
        does = Clicks(page)
        page.goto(platform.links()["alice"])
        does.click(page.get_by_role("button", name="Sign in as"))
        does.click(page.get_by_role("link", name="Datasets"))
        does.click(page.get_by_role("link", name="Credit applications (simulated)"))
        does.click(page.get_by_role("link", name="Train a model"))
        does.click(page.get_by_label("defaulted"))
        does.click(page.get_by_role("radio", name="Fast"))
        does.click(page.get_by_role("button", name="Train", exact=True))
        does.click(page.get_by_role("link", name="Open the model"))
        page.locator(".what-if-answer", has_text="%").wait_for()
        before = page.locator(".what-if-answer").inner_text()
        page.get_by_role("spinbutton", name="debt_ratio").fill("0.8")
        page.wait_for_function(
            "before => !['', before].includes(document.querySelector('.what-if-answer').innerText)", arg=before
        )
        browser.close()
    assert does.count <= 10
    assert time.monotonic() - began < 300


def test_stop_and_start_again_keep_everything(platform: Platform) -> None:
    secret = platform.manage("token", "--person", "emil", "--scopes", "read").stdout.strip()
    ask = {"headers": {"Authorization": f"Bearer {secret}"}}
    before = httpx.get(f"{platform.url}/api/v1/deployments/", **ask).json()["results"]
    assert platform.stop() < 12
    assert platform.left_over() == []
    platform.start()
    assert httpx.get(f"{platform.url}/api/v1/deployments/", **ask).json()["results"] == before != []
