"""National Insurance numbers of the United Kingdom, by their letters."""

import re

from datasets.personal._base import Kind

_SHAPE = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]", re.IGNORECASE)

KIND = Kind(
    name="uk_nino",
    label="UK National Insurance number",
    names=("nino", "ni number", "national insurance", "national insurance number"),
    valid=lambda text: _SHAPE.fullmatch(text.strip()) is not None,
    certainty=0.9,
    named=0.6,
)
