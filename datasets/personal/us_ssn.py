"""Social Security numbers of the United States. They have no check digit: the shape with its gaps speaks, or the name."""

import re

from datasets.personal._base import Kind, digits

_SHAPE = re.compile(r"(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}")

KIND = Kind(
    name="us_ssn",
    label="US Social Security number",
    names=("ssn", "social security", "social security number", "socialsecurity"),
    valid=lambda text: _SHAPE.fullmatch(text.strip()) is not None,
    loose=lambda text: 7 <= len(digits(text, "-")) <= 9,
    types=("text", "integer"),
    certainty=0.9,
    named=0.75,
)
