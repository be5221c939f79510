"""The pages of jobs in a browser: live while the job runs, a log that is searched, and nothing that axe calls serious."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from jobs import lifecycle, registry
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from jobs.outcome import Outcome, failed, settle
from jobs.registry import handler
from jobs.services import enqueue
from tests.browser.test_accessibility import LOOKS, findings

PageOf = Callable[..., Any]
SHOTS = os.environ.get("ATRIUM_SHOTS", "")


@pytest.fixture
def jobs(people: SimpleNamespace, departments: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """One that runs, one that failed, one that waits, one that is done."""
    from departments.access import actor_for

    before = dict(registry._handlers)
    handler("test.browser", title="Train on loan applications", authorize=lambda job: None)(lambda ctx: None)
    actor = actor_for(people.alice)
    made = [enqueue("test.browser", actor=actor, department=departments.credit_risk, payload={}) for _each in range(4)]
    running, broken, done = (lifecycle.claim(job.pk, 1, worker="w") for job in made[:3])
    ctx = JobContext(running)
    ctx.progress(0.42, "Epoch 42 of 100")
    for epoch in range(1, 43):
        ctx.log(f"epoch {epoch}: loss {1 / epoch:.4f}", "warning" if epoch == 7 else "info")
    settle(broken, failed("no_rows", "The file has a header and no rows.", "Upload a file with at least one row."))
    settle(done, Outcome("succeeded", result={}))
    yield SimpleNamespace(running=running, context=ctx, failed=broken, done=done, waiting=made[3])
    registry._handlers.clear()
    registry._handlers.update(before)


def test_it_lives_and_its_log_is_searched(page_of: PageOf, jobs: SimpleNamespace) -> None:
    page = page_of("alice")
    page.goto(f"/jobs/{jobs.running.pk}/")
    log = page.locator("#job-log li[data-name]:visible")
    assert log.count() == 42
    page.get_by_label("Find in the log").fill("epoch 4")
    assert log.count() == 4
    jobs.context.log("epoch 43: loss 0.02")
    page.get_by_text("epoch 43").wait_for()
    jobs.context.log("a line that is not searched for")
    jobs.context.log("epoch 44: loss 0.02")
    page.get_by_text("epoch 44").wait_for()
    assert log.count() == 6
    settle(
        jobs.running, Outcome("failed", error=JobFailed("nan", "The loss became NaN.", "Lower the rate.").as_problem())
    )
    page.get_by_text("Lower the rate.").wait_for()
    assert page.get_by_role("button", name="Cancel").count() == 0


def test_cancel_asks_first(page_of: PageOf, jobs: SimpleNamespace) -> None:
    page = page_of("alice")
    page.goto(f"/jobs/{jobs.waiting.pk}/")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel and discard").click()
    page.get_by_text("Cancelled").first.wait_for()
    assert Job.objects.get(pk=jobs.waiting.pk).state == "cancelled"


@pytest.mark.parametrize("which", ["list", "running", "failed"])
def test_no_serious_finding(page_of: PageOf, jobs: SimpleNamespace, which: str) -> None:
    found = {}
    path = "/jobs/" if which == "list" else f"/jobs/{getattr(jobs, which).pk}/"
    for width, theme in LOOKS:
        page = page_of("alice", width=width, color_scheme=theme)
        page.goto(path)
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/jobs-{which}-{width}-{theme}.png")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"wider than {width}"
        found[f"{width} {theme}"] = findings(page)
    assert not any(found.values()), found
