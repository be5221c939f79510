"""axe finds nothing serious on any main page, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

PAGES = [
    ("alice", "/"),
    ("mallory", "/"),
    ("mona", "/departments/credit-risk/"),
    ("emil", "/settings/tokens/"),
    ("emil", "/settings/password/"),
    ("alice", "/datasets/"),
    ("alice", "/datasets/new/"),
    ("alice", "/datasets/sources/"),
    ("alice", "/datasets/sources/new/"),
    ("alice", "/datasets/sources/new/?connector=postgresql"),
    ("erin", "/admin/connections/"),
    ("alice", "/runs/"),
    ("alice", "/models/"),
    ("alice", "/deployments/"),
    ("alice", "/jobs/"),
    ("alice", "/no-such-page/"),
    ("erin", "/admin/"),
    ("erin", "/admin/departments/"),
    ("erin", "/admin/people/"),
    ("erin", "/admin/audit/"),
    ("", "/sign-in/"),
]
LOOKS = [(1440, "light"), (360, "dark")]


def findings(page: Any) -> list[str]:
    """What axe calls serious or critical, with the element."""
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(page).response["violations"]
    grave = [v for v in violations if v["impact"] in ("serious", "critical")]
    return [f"{v['id']}: {node['html'][:160]} ({node['failureSummary'][:240]})" for v in grave for node in v["nodes"]]


@pytest.mark.parametrize(("person", "path"), PAGES, ids=[f"{who or 'nobody'} {path}" for who, path in PAGES])
def test_no_serious_finding(page_of: Callable[..., Any], people: SimpleNamespace, person: str, path: str) -> None:
    found = {}
    for width, theme in LOOKS:
        page = page_of(person, width=width, color_scheme=theme)
        page.goto(path)
        found[f"{width} {theme}"] = findings(page)
    assert not any(found.values()), found


def test_open_menus_and_dialogs(page_of: Callable[..., Any], people: SimpleNamespace) -> None:
    page = page_of("alice")
    page.goto("/")
    page.get_by_label("Account of Alice").click()
    assert not findings(page)
    page.keyboard.press("Control+k")
    page.get_by_role("option").first.wait_for()
    assert not findings(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not findings(page)
