"""Versions of a model, ticked on its page and compared: on a wide and a narrow screen, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.browser.test_accessibility import findings
from tests.serving.conftest import make_version
from tests.serving.test_versus import pair
from training.models import ModelVersion

__all__ = ["make_version", "pair"]


def test_ticked_versions_are_compared(page_of: Callable[..., Any], pair: list[ModelVersion]) -> None:
    for options in ({"width": 1280}, {"width": 360, "color_scheme": "dark"}):
        page = page_of("alice", **options)
        page.goto(f"/models/{pair[0].model_id}/")
        for version in pair:
            page.locator(f"input[name=id][value='{version.pk}']").check()
        page.get_by_role("button", name="Compare").click()
        page.get_by_role("heading", name="Compare models").wait_for()
        assert page.locator("svg.dots circle").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert findings(page) == []
