"""Quotas on the department's page, set by a platform admin, and why a job waits, in a browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from departments.models import Quota
from departments.quotas import ledger
from jobs import registry
from jobs.models import Worker
from jobs.registry import handler
from jobs.services import enqueue
from tests.browser.test_accessibility import LOOKS, findings

SHOTS = os.environ.get("ATRIUM_SHOTS", "")


@pytest.fixture
def queue(people: SimpleNamespace, departments: SimpleNamespace) -> Any:
    """Jobs of Credit Risk and of Retail that wait for one worker."""
    from departments.access import actor_for

    before = dict(registry._handlers)
    handler("test.browser", title="Train on loan applications", authorize=lambda job: None)(lambda ctx: None)
    homes = {"alice": departments.credit_risk, "charlie": departments.retail}
    made = [
        enqueue("test.browser", actor=actor_for(getattr(people, who)), department=homes[who], payload={})
        for who in ("charlie", "alice", "alice", "alice")
    ]
    Worker.objects.create(name="elsewhere:1", queues=["default"], slots=2)
    yield made
    registry._handlers.clear()
    registry._handlers.update(before)


def test_an_admin_sets_limits_and_members_see_them(page_of: Callable[..., Any], departments: SimpleNamespace) -> None:
    page = page_of("erin")
    page.goto("/departments/credit-risk/")
    page.get_by_role("button", name="Set the quota…").click()
    page.get_by_label("CPU hours a month").fill("10")
    page.get_by_label("Storage (GB)").fill("2")
    page.get_by_label("Predictions a month").fill("1000")
    page.get_by_role("button", name="Set the quota", exact=True).click()
    page.get_by_text("The quota of Credit Risk is set.").wait_for()
    assert Quota.objects.get().storage_bytes == 2 * 10**9
    bob = page_of("bob")
    bob.goto("/departments/credit-risk/")
    bob.get_by_text("0 of 10", exact=True).wait_for()
    assert bob.get_by_role("button", name="Set the quota…").count() == 0


@pytest.mark.parametrize("which", ["department", "dialog", "list", "job"])
def test_no_serious_finding(
    page_of: Callable[..., Any], departments: SimpleNamespace, queue: list[Any], which: str
) -> None:
    home = departments.credit_risk
    Quota.objects.create(department=home, cpu_hours=10, storage_bytes=10**9, predictions=1000)
    ledger.book(home.pk, "cpu", 31_000_000)
    ledger.book(home.pk, "predictions", 1000)
    ledger.settle(home.pk, "storage", lambda: 310_000_000)
    path = {"list": "/jobs/", "job": f"/jobs/{queue[3].pk}/"}.get(which, "/departments/credit-risk/")
    found = {}
    for width, theme in [*LOOKS, (1440, "dark"), (360, "light")]:
        page = page_of("erin", width=width, color_scheme=theme)
        page.goto(path)
        if which == "dialog":
            page.get_by_role("button", name="Set the quota…").click()
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/quotas-{which}-{width}-{theme}.png", full_page=which == "department")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"wider than {width}"
        found[f"{width} {theme}"] = findings(page)
    assert not any(found.values()), found
