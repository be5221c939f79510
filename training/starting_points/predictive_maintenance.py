"""Predictive maintenance: will a machine fail in its next hours, from what its sensors say now."""

from __future__ import annotations

from training.starting_points._base import MANUFACTURING, Column, Costs, Paragraph, StartingPoint
from training.starting_points._csv import as_csv

NUMBER = ("integer", "number")


def machine_hours() -> bytes:
    """3,000 simulated machine hours: failure follows from wear, heat and torque, by a formula."""
    import numpy as np

    rng = np.random.default_rng(13)
    n = 3000
    kind = rng.choice(["light", "medium", "heavy"], n, p=[0.5, 0.3, 0.2])
    air = rng.normal(300, 2, n)
    heat = air + rng.normal(10, 1, n)
    speed = np.clip(rng.normal(1540, 180, n), 1150, None)
    torque = np.clip(62000 / speed + rng.normal(0, 8, n), 4, None)
    wear = rng.integers(0, 250, n)
    logit = -7.6 + 0.022 * wear + 0.095 * (torque - 40) + 0.35 * (heat - 310) + 0.9 * (kind == "light")
    failed = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "failed", "running")
    columns = (kind, air.round(1), heat.round(1), speed.round().astype(int), torque.round(1), wear, failed)
    header = ["type", "air_temperature_k", "process_temperature_k", "speed_rpm", "torque_nm", "tool_wear_min", "state"]
    return as_csv(header, zip(*columns, strict=True))


STARTING_POINT = StartingPoint(
    name="predictive_maintenance",
    label="Predictive maintenance",
    field=MANUFACTURING,
    icon="engine",
    help="The chance that a machine fails, from heat, speed, torque and wear; never falling as the tool wears.",
    question="Will this machine fail?",
    columns=(
        Column("tool_wear_min", NUMBER, "Minutes of the tool in use.", ("tool wear", "Tool wear [min]", "wear", "刀具磨损")),
        Column("torque_nm", NUMBER, "Torque in Nm.", ("torque", "Torque [Nm]", "扭矩")),
        Column("speed_rpm", NUMBER, "Speed in turns a minute.", ("rpm", "Rotational speed [rpm]", "rotational speed", "转速")),
        Column("process_temperature_k", NUMBER, "Temperature of the process.",
               ("process temperature", "Process temperature [K]", "过程温度"), optional=True),
        Column("air_temperature_k", NUMBER, "Temperature of the air.",
               ("air temperature", "Air temperature [K]", "空气温度"), optional=True),
        Column("type", ("text",), "Kind of machine or product.", ("kind", "product type", "型号"), optional=True),
    ),
    target=Column(
        "state", ("text", "boolean", "integer"), "Whether it failed.", ("Machine failure", "failure", "failed", "故障", "target"),
    ),
    training={"preset": "balanced", "monotone": {"tool_wear_min": 1}},
    example_name="Machine health (simulated)",
    example_help="3,000 simulated machine hours: temperatures, speed, torque, tool wear, and whether the machine failed.",
    is_simulated=True,
    example=machine_hours,
    costs=Costs("the machine fails", missed=12.0, false_alarm=1.0, unit="one needless inspection"),
    explanation=(
        Paragraph(
            "What it answers",
            "The chance that a machine fails in the state that its sensors report. With hourly readings that is the chance "
            "for the hour that the failure column looks ahead.",
        ),
        Paragraph(
            "How it decides",
            "Models that can keep the promise are held to it: all else equal, more wear never lowers the chance. That is how "
            "engineers expect it, and it keeps noise of few failures out of the answer.",
        ),
        Paragraph(
            "How to read it",
            "Failures are rare, so that accuracy says little: look at the log loss beside its baseline, at recall, and at the "
            "cost of misses and of needless inspections at the threshold below.",
        ),
        Paragraph(
            "What to beware of",
            "Rows of one machine lie on both sides of a random split. With a machine's number in the table, split by it; with "
            "a time, test on the latest rows.",
        ),
    ),
)  # fmt: skip
