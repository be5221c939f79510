"""The pages of deployments in a browser: what-if with sliders, code to copy, and nothing that axe calls serious."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from serving.models import Deployment, Prediction
from tests.browser.test_accessibility import LOOKS, findings
from tests.serving.artifacts import ROW
from tests.serving.conftest import deployment, make_version, version

__all__ = ["deployment", "make_version", "version"]
PAGE = "/deployments/credit-scoring/"
PageOf = Callable[..., Any]
MOVE = """([id, value]) => new Promise(done => {
    const slider = document.querySelector(`[data-slider-of="${id}"]`), begun = performance.now();
    document.addEventListener("htmx:afterSwap", function swapped({ target }) {
        if (!target.id.endsWith("-answer")) return; // the reasons follow a moment later
        document.removeEventListener("htmx:afterSwap", swapped);
        done(performance.now() - begun);
    });
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""


@pytest.fixture
def called(deployment: Deployment) -> Deployment:
    """A deployment that was called some times."""
    answer = {"label": "good", "probabilities": {"bad": 0.1, "good": 0.9}}
    for took in (740, 1200, 2300):
        Prediction.objects.create(
            request_id=uuid4(), deployment=deployment, model_version=deployment.model_version, rows=1, instances=[ROW],
            answers=[answer], microseconds=took,
        )  # fmt: skip
    return deployment


def test_a_slider_moves_the_answer_within_200_ms(page_of: PageOf, called: Deployment) -> None:
    page = page_of("alice")
    page.goto(PAGE)
    page.locator(".what-if-figure").wait_for()
    number = page.locator("input[name=x0]")
    before = page.locator(".what-if-share").all_inner_texts()
    page.evaluate(MOVE, [number.get_attribute("id"), "30"])
    waits = [page.evaluate(MOVE, [number.get_attribute("id"), str(age)]) for age in range(31, 41)]
    assert number.input_value() == "40"
    assert page.locator(".what-if-share").all_inner_texts() != before
    assert page.locator(".what-if-change").first.is_visible()
    assert sorted(waits)[len(waits) // 2] < 200, waits


def test_a_number_moves_its_slider_and_the_form_goes_back(page_of: PageOf, called: Deployment) -> None:
    page = page_of("alice")
    page.goto(PAGE)
    page.locator(".what-if-figure").wait_for()
    page.locator("input[name=x0]").fill("22")
    assert page.locator("[data-slider-of]").first.input_value() == "22"
    page.locator("input[name=x0]").fill("500")
    page.get_by_text("outside what training saw").wait_for()
    page.get_by_role("button", name="Back to the example").click()
    page.get_by_text("outside what training saw").wait_for(state="detached")
    assert page.locator("input[name=x0]").input_value() == "45"


def test_a_bad_value_is_explained_in_place(page_of: PageOf, called: Deployment) -> None:
    page = page_of("alice")
    page.goto(PAGE)
    page.locator("input[name=x0]").fill("")
    page.get_by_text("this column needs a value").wait_for()


def test_the_reasons_follow_the_inputs(page_of: PageOf, called: Deployment) -> None:
    page = page_of("alice")
    page.goto(PAGE)
    why = page.get_by_role("region", name="Why this answer")
    why.get_by_role("rowheader", name="Answer to the example").wait_for()
    before = why.inner_text()
    rows = {" ".join(row.split()) for row in why.get_by_role("rowheader").all_inner_texts()}
    assert {"age 45", "income 2,500", "city Lyon"} <= rows
    page.locator("input[name=x0]").fill("22")
    why.get_by_text("22", exact=True).wait_for()
    assert why.inner_text() != before


def test_what_would_change_it_is_taken_over_into_the_form(page_of: PageOf, called: Deployment) -> None:
    page = page_of("alice")
    page.goto(PAGE)
    page.locator(".what-if-figure").wait_for()
    before = page.locator(".what-if-figure").inner_text()
    page.get_by_role("button", name="What would change this?").click()
    page.get_by_role("button", name="Use these values").first.click()
    page.locator(".what-if-figure", has_text="bad" if before == "good" else "good").wait_for()


@pytest.mark.parametrize("path", [PAGE, "/deployments/", "/deployments/new/"])
def test_no_serious_finding(page_of: PageOf, called: Deployment, path: str) -> None:
    found = {}
    for width, theme in LOOKS:
        page = page_of("mona", width=width, color_scheme=theme)
        page.goto(path)
        if path == PAGE:
            page.locator(".what-if-figure").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
            f"{path} is wider than {width}"
        )
        found[f"{width} {theme}"] = findings(page)
    assert not any(found.values()), found
