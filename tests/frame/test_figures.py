"""Numbers, sizes, times and small charts as the pages show them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rest.templatetags.atrium_ui import ago, percent, plain
from rest.templatetags.charts import histogram, sparkline
from rest.templatetags.figures import compact, duration, filesize


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (float("nan"), "–"), (float("inf"), "∞"), (0, "0"), (1234567, "1,234,567"), (0.123456, "0.1235"),
        (12.5, "12.5"), (-0.5, "−0.5"), (0.00001234, "1.234e-05"), (99999.99, "100,000"), ("text", "text"), (True, "True"),
    ],
)  # fmt: skip
def test_number(value: Any, shown: str) -> None:
    assert compact(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (123456, "123 kB"),
        (2.5e9, "2.5 GB"),
        (None, "–"),
        (1e30, "1e+15 PB"),
    ],
)
def test_filesize(value: Any, shown: str) -> None:
    assert filesize(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0123, "12 ms"), (9, "9 s"), (12.34, "12.3 s"), (245, "4 min 05 s"), (7800, "2 h 10 min"),
        (timedelta(minutes=1), "1 min 00 s"), (None, "–"),
    ],
)  # fmt: skip
def test_duration(value: Any, shown: str) -> None:
    assert duration(value) == shown


def test_ago_keeps_the_moment() -> None:
    moment = timezone.now() - timedelta(minutes=5)
    shown = ago(moment)
    assert "5 minutes ago" in shown and moment.isoformat() in shown and "title=" in shown
    assert "in 3 days" in ago(timezone.now() + timedelta(days=3))
    assert ago(None) == "–"


def test_plain_is_what_html_wants() -> None:
    assert (plain(0.5), plain(1e-7), plain(None), plain(12)) == ("0.5", "1e-07", "", "12")
    assert percent(0.1234) == "12.3 %"


def test_histogram_escapes_what_people_wrote() -> None:
    svg = histogram([{"value": "<script>", "count": 3}, {"value": "b", "count": 0}], label='"quoted"')
    assert "<script>" not in svg and "&lt;script&gt;: 3" in svg and svg.count("<rect") == 2


@pytest.mark.parametrize("data", [None, {}, [], {"edges": [0, 1], "counts": []}])
def test_histogram_of_nothing_is_an_empty_chart(data: Any) -> None:
    assert "<rect" not in histogram(data)


def test_sparkline_leaves_out_what_is_not_finite() -> None:
    svg = sparkline([1, None, float("nan"), 3, float("inf"), 2])
    assert svg.count(",") == 3 and "nan" not in svg and "inf" not in svg
    assert "<polyline" not in sparkline([1]) and "<polyline" not in sparkline(None)
