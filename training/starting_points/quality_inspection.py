"""Quality inspection on measurements: which parts will be rejected, before anybody looks at them."""

from __future__ import annotations

from training.starting_points._base import MANUFACTURING, Column, Costs, Paragraph, StartingPoint
from training.starting_points._csv import as_csv

NUMBER = ("integer", "number")


def parts() -> bytes:
    """2,500 simulated turned parts: a part is rejected beyond its tolerances, or by wear and heat of the line."""
    import numpy as np

    rng = np.random.default_rng(29)
    n = 2500
    line = rng.choice(["A", "B", "C"], n, p=[0.45, 0.35, 0.2])
    diameter = rng.normal(20.0, 0.03, n) + 0.02 * (line == "C")
    roughness = rng.lognormal(-0.2, 0.25, n)
    weight = 152.0 + 16.0 * (diameter - 20.0) + rng.normal(0, 0.8, n)
    heat = rng.normal(64, 4, n) + 3.0 * (line == "B")
    feed = rng.normal(0.22, 0.02, n)
    off = np.abs(diameter - 20.0) / 0.06
    logit = -5.4 + 2.2 * off**2 + 1.6 * (roughness - 0.8) + 0.12 * (heat - 64) + 14.0 * np.maximum(0.0, feed - 0.24)
    rejected = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "rejected", "good")
    columns = (line, diameter.round(3), roughness.round(3), weight.round(2), heat.round(1), feed.round(4), rejected)
    header = ["line", "diameter_mm", "roughness_um", "weight_g", "temperature_c", "feed_mm", "result"]
    return as_csv(header, zip(*columns, strict=True))


STARTING_POINT = StartingPoint(
    name="quality_inspection",
    label="Quality inspection",
    field=MANUFACTURING,
    icon="ruler-measure",
    help="The chance that a part is rejected, from what was measured on it and on the line that made it.",
    question="Will this part be rejected?",
    columns=(
        Column("diameter_mm", NUMBER, "A dimension that has a tolerance.", ("diameter", "length", "dimension", "直径", "尺寸")),
        Column("roughness_um", NUMBER, "Roughness of the surface.", ("roughness", "ra", "surface", "粗糙度")),
        Column("weight_g", NUMBER, "Weight of the part.", ("weight", "mass", "重量"), optional=True),
        Column("temperature_c", NUMBER, "Temperature while it was made.", ("temperature", "heat", "温度"), optional=True),
        Column("feed_mm", NUMBER, "Feed of the tool.", ("feed", "feed rate", "进给"), optional=True),
        Column("line", ("text",), "Line, machine or shift.", ("machine", "shift", "station", "产线"), optional=True),
    ),
    target=Column(
        "result", ("text", "boolean", "integer"), "What was found.", ("quality", "defect", "class", "检验结果", "target"),
    ),
    training={"preset": "balanced"},
    example_name="Turned parts (simulated)",
    example_help="2,500 simulated parts of three lines: dimensions, surface, weight, and whether the inspection rejected them.",
    is_simulated=True,
    example=parts,
    costs=Costs("the part is faulty", missed=15.0, false_alarm=1.0, unit="one needless inspection"),
    explanation=(
        Paragraph(
            "What it answers",
            "The chance that the inspection would reject this part. Parts above the threshold are looked at, the others pass.",
        ),
        Paragraph(
            "How it decides",
            "From the measurements together: a dimension within its tolerance and a rough surface may be one fault, each "
            "alone none.",
        ),
        Paragraph(
            "How to read it",
            "The confusion table on test rows counts good parts that would be looked at in vain and faulty ones that would "
            "pass. The threshold below weighs one that passes like fifteen inspections.",
        ),
        Paragraph(
            "What to beware of",
            "A new tool, supplier or season moves the measurements: watch the shift between versions of the data set, and "
            "train again.",
        ),
    ),
)  # fmt: skip
