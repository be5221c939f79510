"""Insurance risk: the number of claims that a policy will bring, counted as Poisson (Nelder and Wedderburn 1972)."""

from __future__ import annotations

from training.starting_points._base import FINANCE, Column, Paragraph, StartingPoint
from training.starting_points._csv import as_csv

NUMBER = ("integer", "number")


def policies() -> bytes:
    """6,000 simulated motor policies of one year: claims are Poisson, their rate follows from age, power and region."""
    import numpy as np

    rng = np.random.default_rng(31)
    n = 6000
    age = rng.integers(18, 85, n)
    power = rng.integers(40, 220, n)
    years = np.clip(rng.normal(0.4 * (age - 18), 5, n), 0, None).astype(int)
    region = rng.choice(["city", "suburb", "country"], n, p=[0.35, 0.4, 0.25])
    mileage = np.round(rng.lognormal(9.4, 0.45, n), -2)
    rate = 0.11 * np.exp(0.9 * (age < 25) + 0.25 * (age > 72) + 0.004 * (power - 100) - 0.035 * np.minimum(years, 15))
    rate = rate * np.select([region == "city", region == "country"], [1.35, 0.75], 1.0) * (mileage / 12_000) ** 0.5
    claims = rng.poisson(rate)
    header = ["driver_age", "power_kw", "claim_free_years", "region", "mileage_km", "claims"]
    return as_csv(header, zip(age, power, years, region, mileage.astype(int), claims, strict=True))


STARTING_POINT = StartingPoint(
    name="insurance_risk",
    label="Insurance risk",
    field=FINANCE,
    icon="shield",
    help="The number of claims that a policy will bring in a year: what its risk premium is reckoned from.",
    question="How many claims will this policy bring?",
    columns=(
        Column("driver_age", NUMBER, "Age of the driver in years.", ("age", "驾驶员年龄", "drivage")),
        Column("claim_free_years", NUMBER, "Years without a claim.", ("bonus", "no claims", "bonusmalus", "无赔款年数")),
        Column("power_kw", NUMBER, "Power of the engine.", ("power", "vehpower", "功率"), optional=True),
        Column("mileage_km", NUMBER, "Distance a year.", ("mileage", "exposure", "里程"), optional=True),
        Column("region", ("text",), "Where the car is kept.", ("area", "地区"), optional=True),
    ),
    target=Column("claims", NUMBER, "Claims in the year.", ("claimnb", "claim count", "number of claims", "理赔次数")),
    training={
        "family": "trees",
        "task": "regression",
        "params": {"loss": "poisson", "learning_rate": 0.05, "max_leaves": 8, "min_rows_leaf": 50},
        "monotone": {"claim_free_years": -1},
    },
    example_name="Motor policies (simulated)",
    example_help="6,000 simulated motor policies with the driver's age, engine, region, mileage and the claims of one year.",
    is_simulated=True,
    example=policies,
    explanation=(
        Paragraph(
            "What it answers",
            "The claims to be expected from a policy in a year, such as 0.14. Times the mean cost of a claim that is the risk "
            "premium, before costs and profit.",
        ),
        Paragraph(
            "How it decides",
            "Boosted trees with the loss of counts (Poisson): most policies bring none, and the error of a small rate counts "
            "as much as it should. More years without a claim never raise the answer.",
        ),
        Paragraph(
            "How to read it",
            "A single policy cannot be foretold, and R² is near zero for the best of models: compare groups. The mean answer "
            "of a group should be the mean of its claims.",
        ),
        Paragraph(
            "What to beware of",
            "Policies that ran for part of a year belong into the table with that part as row weight. Some attributes may "
            "not be used for prices by law.",
        ),
    ),
)  # fmt: skip
