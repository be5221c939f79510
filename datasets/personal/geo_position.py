"""Positions on the globe: latitude and longitude by name and range, or both in one text."""

import re

from datasets.personal._base import Figures, Kind

_PAIR = re.compile(r"\(?-?(?:90|[1-8]?\d)\.\d{3,}[,; ] ?-?(?:180|1[0-7]\d|\d{1,2})\.\d{3,}\)?")


def fits(figures: Figures) -> bool:
    """Figures of numbers are of degrees, not all whole."""
    low, high = figures.get("min"), figures.get("max")
    return figures["type"] == "number" and low is not None and high is not None and -180 <= low <= high <= 180


KIND = Kind(
    name="geo_position",
    label="Geographic position",
    names=(
        "lat", "latitude", "lon", "lng", "longitude", "geo", "gps", "coordinates", "location coordinates",
        "纬度", "经度", "坐标",
    ),
    valid=lambda text: _PAIR.fullmatch(text.strip()) is not None,
    fits=fits,
    types=("number", "text"),
    certainty=0.9,
    named=0.75,
)  # fmt: skip
