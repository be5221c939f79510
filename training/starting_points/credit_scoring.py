"""Credit scoring: a scorecard of points, by logistic regression on ranges (Siddiqi 2006, Credit Risk Scorecards)."""

from __future__ import annotations

from training.starting_points._base import FINANCE, Column, Costs, Paragraph, StartingPoint
from training.starting_points._csv import as_csv

NUMBER = ("integer", "number")


def applications() -> bytes:
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


STARTING_POINT = StartingPoint(
    name="credit_scoring",
    label="Credit scoring",
    field=FINANCE,
    icon="credit-card",
    help="A scorecard: points for each answer of an applicant, and the chance of a default that they add up to.",
    question="Will this applicant fail to repay?",
    columns=(
        Column("age", NUMBER, "Age of the applicant in years.", ("alter", "年龄", "applicant age")),
        Column("income", NUMBER, "Income a year.", ("annual income", "salary", "einkommen", "收入", "年收入")),
        Column("history_years", NUMBER, "Years of credit history.", ("credit history", "history", "信用年限", "tenure")),
        Column("debt_ratio", NUMBER, "Debts as a share of income.", ("dti", "debt to income", "负债率"), optional=True),
        Column("employment", ("text",), "Kind of employment.", ("job", "occupation", "职业", "job type"), optional=True),
    ),
    target=Column(
        "defaulted", ("text", "boolean", "integer"), "Whether the loan failed.",
        ("default", "bad", "违约", "status", "risk", "target"),
    ),
    steps=(
        {"step": "bin", "columns": ["age", "income", "history_years", "debt_ratio"],
         "params": {"method": "quantile", "bins": 5, "output": "name"}},
        {"step": "missing", "columns": ["age", "income", "history_years", "debt_ratio", "employment"],
         "params": {"method": "constant", "value": "not given"}},
    ),
    training={"family": "linear", "params": {"weight_decay": 0.001}},
    example_name="Credit applications (simulated)",
    example_help="2,000 simulated applicants: age, income, credit history, debt, and whether the loan defaulted.",
    is_simulated=True,
    example=applications,
    costs=Costs("the applicant defaults", missed=5.0, false_alarm=1.0, unit="the profit of a good loan"),
    explanation=(
        Paragraph(
            "What it answers",
            "The chance that an applicant fails to repay, and a score: the higher the better, 20 points more double the "
            "odds of repayment, and 600 stands for 30 good loans to one bad.",
        ),
        Paragraph(
            "How it decides",
            "Each column is put into five ranges of equally many applicants, and logistic regression gives every range its "
            "weight. The scorecard below is the whole model: add up the points and you have its answer.",
        ),
        Paragraph(
            "How to read it",
            "Compare the points of neighbouring ranges: where they jump back and forth without a reason, there are too few "
            "applicants to tell. A column whose ranges have nearly the same points could be left out.",
        ),
        Paragraph(
            "What to beware of",
            "Only applicants who got a loan are in such tables, and the refused would have fared otherwise. Check the law of "
            "your country before you use age or anything near to it, and let a person decide near the threshold.",
        ),
    ),
)  # fmt: skip
