"""Files come in through a real browser: cut, paused, taken up after a reload, previewed, imported; also without scripts."""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from datasets.models import Dataset, DatasetVersion, Upload
from tests.browser.test_accessibility import findings
from tests.datasets.uploads import PEOPLE_CSV, post_dataset
from tests.jobs.site import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
MB = 1_000_000


class Wire:
    """A network between the browser and the server: slow, cut, and whole again."""

    def __init__(self, server: str) -> None:
        self.to = (urlsplit(server).hostname, urlsplit(server).port)
        self.pause, self.is_cut = 0.0, False
        self.open: set[socket.socket] = set()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self.door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = self.door.accept()
                if self.is_cut:
                    near.close()
                    continue
                far = socket.create_connection(self.to)
                self.open |= {near, far}
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
                time.sleep(self.pause)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        self.is_cut = True
        for each in self.open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.open.clear()

    def mend(self) -> None:
        self.is_cut, self.pause = False, 0.0


@pytest.fixture
def wire(live_server: Any) -> Iterator[Wire]:
    wire = Wire(live_server.url)
    yield wire
    wire.cut()
    wire.door.close()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A table of some 12 MB in which no two lines are equal."""
    dice = random.Random(3)
    path = tmp_path / "large.csv"
    path.write_text("id,code\n" + "".join(f"{i},{dice.getrandbits(200):x}\n" for i in range(200_000)))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def choose(page: Any, *paths: Path) -> None:
    page.set_input_files("input[type=file]", [str(path) for path in paths])


def share(page: Any) -> float:
    return float(page.locator("progress").first.evaluate("bar => bar.value"))


def arrived(page: Any) -> str:
    """The hash that the server has of the only upload, when the page is the import page."""
    page.wait_for_url("**/datasets/import/*/", timeout=30_000)
    return Upload.objects.get().sha256


def test_a_cut_connection_goes_on_by_itself(page_of: Callable[..., Any], wire: Wire, large: Path) -> None:
    page = page_of("alice")
    page.goto(f"{wire.url}/datasets/new/")
    wire.pause = 0.01
    choose(page, large)
    wait_until(lambda: share(page) > 0.3, 20, "a part")
    wire.cut()
    page.get_by_text("The connection is lost").wait_for()
    kept = wait_until(lambda: Upload.objects.get().offset, 10, "the part on the server")
    assert 0 < kept < large.stat().st_size
    wire.mend()
    assert arrived(page) == sha256(large)


def test_pause_reload_and_go_on(page_of: Callable[..., Any], wire: Wire, large: Path) -> None:
    page = page_of("alice")
    page.goto(f"{wire.url}/datasets/new/")
    wire.pause = 0.01
    choose(page, large)
    wait_until(lambda: share(page) > 0.3, 20, "a part")
    page.get_by_role("button", name="Pause: large.csv").click()
    page.get_by_text("Paused").wait_for()
    wait_until(lambda: Upload.objects.get().offset, 10, "the part on the server")
    page.reload()
    page.get_by_text("Choose the same file again to go on").wait_for()
    before = Upload.objects.get()
    choose(page, large)
    page.get_by_text("Going on where it stopped").wait_for()
    wait_until(lambda: share(page) > 0, 10, "progress")
    assert share(page) >= before.offset / before.length
    wire.mend()
    assert arrived(page) == sha256(large)
    assert Upload.objects.get().pk == before.pk


def test_several_files_at_once_and_one_that_is_known(
    page_of: Callable[..., Any], api_of: Any, run_jobs: Callable[..., Any], tmp_path: Path
) -> None:
    post_dataset(api_of("alice"))
    run_jobs()
    known, fresh, empty = (tmp_path / name for name in ("known.csv", "fresh.csv", "empty.csv"))
    known.write_bytes(PEOPLE_CSV)
    fresh.write_bytes(b"a,b\n1,2\n")
    empty.write_bytes(b"")
    page = page_of("alice")
    page.goto("/datasets/new/")
    choose(page, known, fresh, empty)
    page.get_by_role("link", name="Import… fresh.csv").wait_for()
    page.get_by_text("Exactly this file is here already: People, 1").wait_for()
    assert page.get_by_text("The file is empty").count() == 1
    assert not findings(page)
    page.get_by_role("link", name="Import… fresh.csv").click()
    page.get_by_role("heading", name="Import fresh.csv").wait_for()


def test_a_refused_upload_says_why(page_of: Callable[..., Any], settings: Any, large: Path) -> None:
    settings.UPLOAD_MAX_BYTES = MB
    page = page_of("alice")
    page.goto("/datasets/new/")
    choose(page, large)
    page.get_by_text("larger than 1 MB").wait_for()
    assert page.get_by_role("button", name="Try again: large.csv").is_visible()


def to_import(page: Any, tmp_path: Path, content: bytes, name: str = "sums.csv") -> None:
    (tmp_path / name).write_bytes(content)
    page.goto("/datasets/new/")
    choose(page, tmp_path / name)
    page.get_by_role("heading", name=f"Import {name}").wait_for()


def test_the_preview_follows_a_change_and_the_import_keeps_it(
    page_of: Callable[..., Any], run_jobs: Callable[..., Any], tmp_path: Path
) -> None:
    page = page_of("alice")
    to_import(page, tmp_path, b"id;amount\n1;2,5\n2;3\n")
    page.get_by_label("Name").fill("Sums")
    page.get_by_label("Type of amount").wait_for()
    page.locator("#id_options_delimiter").focus()
    page.locator("#id_options_delimiter").select_option("comma")
    page.get_by_label("Type of id;amount").wait_for()
    assert page.locator("#id_options_delimiter").evaluate("box => box === document.activeElement")
    page.locator("#id_options_delimiter").select_option("detect")
    page.get_by_label("Type of id", exact=True).select_option("text")
    page.locator("#type-1 option", has_text="integer (found)").wait_for(state="detached")
    assert not Dataset.objects.exists()
    page.get_by_role("button", name="Import").click()
    page.get_by_role("heading", name="Sums").wait_for()
    run_jobs()
    version = DatasetVersion.objects.get()
    assert version.state == "ready" and version.schema[0] == {"name": "id", "type": "text"}


def test_by_keyboard_alone(page_of: Callable[..., Any], run_jobs: Callable[..., Any], tmp_path: Path) -> None:
    page = page_of("alice")
    to_import(page, tmp_path, b"id;amount\n1;2,5\n2;3\n")
    page.locator("#id_options_header").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.get_by_label("Type of column_1").wait_for()
    page.locator("#id_options_header:focus").wait_for()
    page.get_by_label("Name").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("By keys")
    while not page.locator("button[value=import]:focus").count():
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="By keys").wait_for()


def test_chinese_in_gb18030(page_of: Callable[..., Any], tmp_path: Path) -> None:
    page = page_of("alice")
    to_import(page, tmp_path, "城市,人口\n北京,21893095\n上海,24870895\n".encode("gb18030"), "城市.csv")
    page.get_by_role("cell", name="北京").wait_for()
    page.get_by_text("Found: gb18030").wait_for()
    assert page.get_by_label("Name").input_value() == "城市"


def test_a_file_that_cannot_be_read_can_be_mended(page_of: Callable[..., Any], tmp_path: Path) -> None:
    page = page_of("alice")
    to_import(page, tmp_path, b'a,b\n1,"x\n2,y\n3,z\n')
    page.get_by_text("Line 2 has a quote that is not closed properly").wait_for()
    assert page.get_by_text("The file's first lines").is_visible() and not findings(page)
    page.locator("#id_options_broken_quotes").select_option("reject")
    page.get_by_role("heading", name="Would be set aside").wait_for()


def test_without_scripts(page_of: Callable[..., Any], run_jobs: Callable[..., Any], tmp_path: Path) -> None:
    page = page_of("alice", java_script_enabled=False)
    (tmp_path / "sums.csv").write_bytes(b"id;amount\n1;2,5\n2;3\n")
    page.goto("/datasets/new/")
    choose(page, tmp_path / "sums.csv")
    page.get_by_role("button", name="Upload").click()
    page.locator("#id_options_delimiter").select_option("comma")
    page.locator("noscript button, button.btn:has-text('Refresh the preview')").last.click()
    page.get_by_label("Type of id;amount").wait_for()
    page.locator("#id_options_delimiter").select_option("detect")
    page.get_by_role("button", name="Import").click()
    page.get_by_role("heading", name="sums").wait_for()
    run_jobs()
    assert DatasetVersion.objects.get().columns == 2


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (360, "dark")])
def test_it_is_accessible_and_fits(page_of: Callable[..., Any], tmp_path: Path, width: int, theme: str) -> None:
    page = page_of("alice", width=width, color_scheme=theme)
    to_import(page, tmp_path, b"id;amount;note\n1;2,5;x\n2;3,5\n3;NA;y\n")
    assert not findings(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto("/datasets/new/")
    assert not findings(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
