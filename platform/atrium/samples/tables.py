"""Sample data sets: real ones that ship with scikit-learn, and simulated ones that say so."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


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


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def credit_scores() -> bytes:
    """2,000 simulated applicants. Score and default follow from age, income, history and noise, by a formula."""
    import numpy as np

    rng = np.random.default_rng(7)
    n = 2000
    age = rng.integers(21, 70, n)
    income = np.round(rng.lognormal(10.4, 0.45, n), -2)
    history = np.clip(np.round(rng.normal(0.25 * (age - 20), 4)), 0, None)
    employment = rng.choice(["salaried", "self-employed", "contract", "retired"], n, p=[0.62, 0.18, 0.15, 0.05])
    debt = np.round(np.clip(rng.beta(2, 5, n), 0, 1), 3)
    score = 420 + 1.6 * age + 0.0016 * income + 6.5 * history - 90 * debt + rng.normal(0, 25, n)
    chance = 1 / (1 + np.exp(0.022 * (score - 520) - 2.0 * (employment == "contract")))
    defaulted = (rng.random(n) < chance).astype(int)
    missing = rng.random(n) < 0.03
    rows = zip(
        age, ["" if m else f"{v:.0f}" for v, m in zip(income, missing, strict=True)], history.astype(int),
        employment, debt, np.round(score).astype(int), np.where(defaulted == 1, "yes", "no"), strict=True,
    )  # fmt: skip
    return as_csv(["age", "income", "history_years", "employment", "debt_ratio", "score", "defaulted"], rows)


def breast_cancer() -> bytes:
    """569 real diagnoses from cell nuclei (UCI breast cancer Wisconsin, as shipped with scikit-learn)."""
    from sklearn.datasets import load_breast_cancer

    data: Any = load_breast_cancer()
    names = [name.replace(" ", "_") for name in data.feature_names]
    labels = [str(data.target_names[t]) for t in data.target]
    return as_csv([*names, "diagnosis"], ([*row, label] for row, label in zip(data.data.tolist(), labels, strict=True)))


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


def machine_health() -> bytes:
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
        True, "defaulted", credit_scores,
    ),
    Sample(
        "clinic", "Breast cancer diagnoses", "breast-cancer.csv",
        "Real data, UCI breast cancer Wisconsin as shipped with scikit-learn: 30 measurements of cell nuclei.",
        False, "diagnosis", breast_cancer,
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
        True, "state", machine_health,
    ),
    Sample(
        "manufacturing", "Wine quality control", "wine.csv",
        "Real data, UCI wine as shipped with scikit-learn: chemical measurements of three cultivars.",
        False, "cultivar", wine,
    ),
)  # fmt: skip
