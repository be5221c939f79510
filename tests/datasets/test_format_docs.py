"""What docs/adding-a-format.md shows is a format that works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from datasets.ingestion.opening import FORMATS
from tests.datasets.uploads import read

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-format.md"


def test_the_whole_format_of_the_page_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    [source] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    scope: dict[str, Any] = {}
    exec(source, scope)
    monkeypatch.setitem(FORMATS._all(), "pairs", scope["FORMAT"])
    report, rows, rejected = read(tmp_path, b"#pairs\nname=Ada age=36\n\nage=51 city=Bonn\n", "people.csv")
    assert report.options["format"] == "pairs" and not rejected
    assert rows == [{"name": "Ada", "age": 36, "city": None}, {"name": None, "age": 51, "city": "Bonn"}]
