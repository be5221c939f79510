"""Sample data sets: real ones that ship with scikit-learn, and simulated ones that say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from training.starting_points import credit_scoring, disease_prediction, predictive_maintenance
from training.starting_points._csv import as_csv


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample table: who owns it, what it is, and how to make its CSV."""

    department: str
    name: str
    file: str
    description: str
    is_simulated: bool
    target: str
    build: Callable[[], bytes]


def diabetes() -> bytes:
    """442 real patients: ten measurements and the progression of diabetes a year later (shipped with scikit-learn)."""
    from sklearn.datasets import load_diabetes

    data: Any = load_diabetes(scaled=False)
    rows = ([*row, target] for row, target in zip(data.data.tolist(), data.target.tolist(), strict=True))
    return as_csv([*data.feature_names, "progression"], rows)


def weekly_demand() -> bytes:
    """Simulated weekly demand of 12 stores over two years: season, promotion, price and noise, by a formula."""
    import numpy as np

    rng = np.random.default_rng(11)
    rows = []
    base = rng.uniform(60, 180, 12)
    for week in range(104):
        season = 1 + 0.25 * np.sin(2 * np.pi * week / 52)
        for store in range(12):
            price = round(float(rng.normal(9.5, 0.8)), 2)
            promotion = bool(rng.random() < 0.2)
            holiday = week % 52 in {50, 51, 16}
            mean = base[store] * season * (1.35 if promotion else 1) * (1.5 if holiday else 1) * (9.5 / price) ** 1.4
            region = "north" if store < 5 else "south" if store < 9 else "west"
            flags = ["true" if promotion else "false", "true" if holiday else "false"]
            rows.append([f"S{store + 1:02d}", region, week % 52 + 1, price, *flags, int(rng.poisson(mean))])
    return as_csv(["store", "region", "week", "price", "promotion", "holiday", "units_sold"], rows)


def wine() -> bytes:
    """178 real wines of three cultivars by 13 chemical measurements (shipped with scikit-learn)."""
    from sklearn.datasets import load_wine

    data: Any = load_wine()
    names = [name.replace("/", "_") for name in data.feature_names]
    rows = ([*row, f"cultivar {t + 1}"] for row, t in zip(data.data.tolist(), data.target.tolist(), strict=True))
    return as_csv([*names, "cultivar"], rows)


SAMPLES = (
    Sample(
        "credit-risk", "Credit applications (simulated)", "credit-applications.csv",
        "Simulated applicants: age, income, credit history, debt. Predict the score, or whether the loan defaulted.",
        True, "defaulted", credit_scoring.applications,
    ),
    Sample(
        "clinic", "Breast cancer diagnoses", "breast-cancer.csv",
        "Real data, UCI breast cancer Wisconsin as shipped with scikit-learn: 30 measurements of cell nuclei.",
        False, "diagnosis", disease_prediction.diagnoses,
    ),
    Sample(
        "clinic", "Diabetes progression", "diabetes.csv",
        "Real data shipped with scikit-learn (Efron et al., 2004): ten measurements and progression after a year.",
        False, "progression", diabetes,
    ),
    Sample(
        "retail", "Weekly demand (simulated)", "weekly-demand.csv",
        "Simulated weekly sales of twelve stores over two years, with price, promotions and holidays.",
        True, "units_sold", weekly_demand,
    ),
    Sample(
        "manufacturing", "Machine health (simulated)", "machine-health.csv",
        "Simulated machine hours: temperatures, speed, torque and tool wear. Predict a failure.",
        True, "state", predictive_maintenance.machine_hours,
    ),
    Sample(
        "manufacturing", "Wine quality control", "wine.csv",
        "Real data, UCI wine as shipped with scikit-learn: chemical measurements of three cultivars.",
        False, "cultivar", wine,
    ),
)  # fmt: skip
