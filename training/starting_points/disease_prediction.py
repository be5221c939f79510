"""Disease prediction: a diagnosis from measurements, where a missed illness weighs more than a false alarm."""

from __future__ import annotations

from typing import Any

from training.starting_points._base import MEDICINE, Column, Costs, Paragraph, StartingPoint
from training.starting_points._csv import as_csv

NUMBER = ("integer", "number")
MEASURES = (
    ("mean_radius", "Mean distance from the centre of a nucleus to its edge."),
    ("mean_texture", "Standard deviation of the grey values."),
    ("mean_perimeter", "Mean perimeter of the nuclei."),
    ("mean_area", "Mean area of the nuclei."),
    ("mean_smoothness", "Mean local variation of the radius."),
    ("mean_compactness", "Perimeter² / area − 1."),
    ("mean_concavity", "How deep the edge is dented."),
    ("mean_concave_points", "How many dents the edge has."),
    ("worst_radius", "Mean of the three largest radii."),
    ("worst_texture", "Mean of the three largest textures."),
    ("worst_perimeter", "Mean of the three largest perimeters."),
    ("worst_area", "Mean of the three largest areas."),
    ("worst_concave_points", "Mean of the three largest numbers of dents."),
)


def diagnoses() -> bytes:
    """569 real diagnoses from cell nuclei (UCI breast cancer Wisconsin, as shipped with scikit-learn)."""
    from sklearn.datasets import load_breast_cancer

    data: Any = load_breast_cancer()
    names = [name.replace(" ", "_") for name in data.feature_names]
    labels = [str(data.target_names[t]) for t in data.target]
    return as_csv([*names, "diagnosis"], ([*row, label] for row, label in zip(data.data.tolist(), labels, strict=True)))


STARTING_POINT = StartingPoint(
    name="disease_prediction",
    label="Disease prediction",
    field=MEDICINE,
    icon="stethoscope",
    help="From measurements to the chance of a diagnosis, calibrated, with the threshold that missed cases call for.",
    question="Is this finding malignant?",
    columns=tuple(
        Column(name, NUMBER, help_, (name.replace("_", " "),), optional=place >= 3)
        for place, (name, help_) in enumerate(MEASURES)
    ),
    target=Column(
        "diagnosis", ("text", "boolean", "integer"), "What the doctors found.",
        ("disease", "outcome", "target", "诊断", "结果", "malignant"),
    ),
    training={"preset": "balanced"},
    example_name="Breast cancer diagnoses",
    example_help="569 real diagnoses, UCI breast cancer Wisconsin as shipped with scikit-learn: measurements of cell nuclei.",
    is_simulated=False,
    example=diagnoses,
    costs=Costs("the finding is malignant", missed=20.0, false_alarm=1.0, unit="one needless examination"),
    explanation=(
        Paragraph(
            "What it answers",
            "The chance of the diagnosis for one case. It supports a doctor and does not replace one: nothing here was "
            "approved as a medical device.",
        ),
        Paragraph(
            "How it decides",
            "Several kinds of model are trained on all but a test part, and their answers are mixed as they do best on rows "
            "that none of them saw. The probabilities are calibrated where that helps.",
        ),
        Paragraph(
            "How to read it",
            "Look at recall first: the share of the ill that it finds. At the threshold below twenty needless examinations "
            "weigh as much as one missed case; move it if your hospital weighs otherwise.",
        ),
        Paragraph(
            "What to beware of",
            "Measurements of another device or laboratory may lie elsewhere; compare the profiles before you use it there. "
            "A table of patients who were sent to a clinic says little about people who were not.",
        ),
    ),
)  # fmt: skip
