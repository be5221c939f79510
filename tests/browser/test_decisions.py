"""The policy page in a browser: a slider moves matrix and money at once, and what is saved is what answers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from serving.models import DecisionPolicy, Deployment
from serving.predictors import predictor_of
from tests.browser.test_accessibility import LOOKS, findings
from tests.serving.conftest import deployment, make_version, version
from tests.serving.policies.conftest import scored, served, with_rows
from training.scored import TEST, scored_rows

__all__ = ["deployment", "make_version", "scored", "served", "version", "with_rows"]
PAGE = "/deployments/credit-scoring/policy/"
PageOf = Callable[..., Any]
SLIDE = """(share) => {
    const slider = document.querySelector('[data-slides="threshold"]'), begun = performance.now();
    slider.value = Math.round(slider.max * share);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    return performance.now() - begun;
}"""


def cells(page: Any) -> dict[str, int]:
    found = page.locator("[data-count]").evaluate_all("all => all.map(e => [e.dataset.count, e.textContent])")
    return {name: int(text.replace(",", "")) for name, text in found}


def test_the_slider_moves_matrix_and_money_within_200_ms(page_of: PageOf, served: Deployment) -> None:
    """The figures equal those counted here, from the scored rows, at each of the places."""
    held = scored_rows(served.model_version)
    assert held is not None
    test, good = held.of(TEST), list(predictor_of(served.model_version).classes).index("good")
    page = page_of("emil")
    page.goto(PAGE)
    page.fill("#cost-fn", "5.25")
    page.fill("#cost-fp", "0.1")
    for share in (0.1, 0.35, 0.5, 0.77, 0.95):
        took = page.evaluate(SLIDE, share)
        assert took < 200
        threshold = float(page.input_value("#threshold"))
        decided, true = test.prediction[:, good] >= threshold, test.truth == good
        expected = {
            "tp": decided & true, "fp": decided & ~true, "fn": ~decided & true, "tn": ~decided & ~true,
        }  # fmt: skip
        counts = {name: int(rows.sum()) for name, rows in expected.items()}
        found = cells(page)
        assert {name: found[name] for name in counts} == counts
        money = counts["fn"] * Decimal("5.25") + counts["fp"] * Decimal("0.1")
        assert Decimal(page.locator('[data-out="money"]').inner_text().replace(",", "")) == money
        changed = int((decided != (test.prediction.argmax(axis=1) == good)).sum())
        assert page.locator('[data-out="changed"]').inner_text().startswith(f"{changed} (")


def test_the_keyboard_moves_it_and_the_band_keeps_order(page_of: PageOf, served: Deployment) -> None:
    page = page_of("emil")
    page.goto(PAGE)
    page.locator('[data-slides="threshold"]').focus()
    before = float(page.input_value("#threshold"))
    page.keyboard.press("ArrowRight")
    assert float(page.input_value("#threshold")) > before
    page.check("#band")
    page.locator('[data-slides="low"]').focus()
    for _ in range(5):
        page.keyboard.press("PageDown")
    low, middle, high = (float(page.input_value(each)) for each in ("#low", "#threshold", "#high"))
    assert low < middle <= high
    found = cells(page)
    assert found["review-positive"] + found["review-negative"] > 0
    assert sum(found.values()) == 600


def test_the_button_finds_what_the_server_finds(page_of: PageOf, served: Deployment) -> None:
    page = page_of("emil")
    page.goto(PAGE)
    page.fill("#cost-fn", "4")
    page.fill("#cost-review", "0.15")
    page.check("#band")
    page.click("#least-cost")
    page.fill("#reason", "The least cost with review")
    shown = page.locator('[data-out="money"]').inner_text()
    page.click("text=Save and use >> nth=-1")
    page.get_by_text("decides by policy 1 now").wait_for()
    policy = DecisionPolicy.objects.get()
    assert Decimal(policy.figures["money"]) == Decimal(shown.replace(",", "").replace("−", "-"))
    from departments.access import actor_for
    from serving.policies.evaluation import evaluate
    from serving.policies.settings import checked

    asked = {**policy.settings, "threshold": "least-cost", "review": "least-cost"}
    settings = checked(served.model_version, asked)
    chosen = evaluate(actor=actor_for(policy.created_by), version=policy.model_version, settings=settings).settings
    assert (chosen["review"], chosen["threshold"]) == (policy.settings["review"], policy.settings["threshold"])
    served.refresh_from_db()
    assert served.policy == policy


def test_a_rule_is_added_and_counted(page_of: PageOf, served: Deployment) -> None:
    page = page_of("emil")
    page.goto(PAGE)
    line = page.locator(".rule-line").last
    line.locator("[name=rule-name]").fill("young")
    line.locator("[name=rule-column]").select_option("age")
    line.locator("[name=rule-op]").select_option("lt")
    line.locator("[name=rule-value]").fill("30")
    line.locator("[name=rule-decide]").select_option("good")
    page.click("text=Count again")
    page.get_by_role("cell", name="young", exact=True).wait_for()
    before = cells(page)
    page.evaluate(SLIDE, 0.0)
    page.evaluate(SLIDE, 1.0)
    assert sum(cells(page).values()) == sum(before.values()) == 600
    assert cells(page)["tp"] + cells(page)["fp"] > 0, "what the rule decided stays, whatever the threshold"


def test_a_colleague_looks_and_changes_nothing(page_of: PageOf, served: Deployment) -> None:
    page = page_of("bob")
    page.goto(PAGE)
    assert page.locator('[data-slides="threshold"]').is_disabled()
    assert page.locator("text=Save and use").count() == 0


@pytest.mark.parametrize(("width", "look"), [*LOOKS, (360, "light"), (1280, "dark")])
def test_it_is_accessible_and_fits(page_of: PageOf, served: Deployment, width: int, look: str) -> None:
    page = page_of("emil", width=width, color_scheme=look)
    page.goto(PAGE)
    page.check("#band")
    page.locator(".confusion").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert findings(page) == []
