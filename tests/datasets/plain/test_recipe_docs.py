"""What docs/adding-a-step.md shows is a step that keeps the promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from datasets.recipe import STEPS, FittedRecipe, fit
from datasets.schema import Schema

PAGE = Path(__file__).resolve().parents[3] / "docs" / "adding-a-step.md"


def test_the_whole_step_of_the_page_works(monkeypatch: pytest.MonkeyPatch) -> None:
    [source] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    scope: dict[str, Any] = {}
    exec(source, scope)
    monkeypatch.setitem(STEPS._all(), "largest", scope["STEP"])
    schema = Schema.of([("a", "number"), ("empty", "integer")])
    table = pl.DataFrame(
        {"a": [1.0, None, -4.0], "empty": [None, None, None]}, schema={"a": pl.Float64, "empty": pl.Int64}
    )
    fitted = FittedRecipe.from_json(fit([{"step": "largest"}], table, schema).dumps())
    bulk = fitted.transform(table, training=False).collect()
    assert bulk["a"].to_list() == [0.25, None, -1.0]
    assert [fitted.row()(given) for given in table.to_dicts()] == bulk.to_dicts()
