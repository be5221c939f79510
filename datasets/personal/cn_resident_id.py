"""Chinese resident identity numbers (GB 11643), by their birth date and check digit."""

import re
from datetime import date

from datasets.personal._base import Kind

_SHAPE = re.compile(r"[1-9]\d{5}(\d{4})(\d{2})(\d{2})\d{3}[\dXx]")


def valid(text: str) -> bool:
    found = _SHAPE.fullmatch(text.strip())
    if not found:
        return False
    try:
        born = date(*map(int, found.groups()))
    except ValueError:
        return False
    number = found[0]
    total = sum(int(sign) * (2 ** (17 - place) % 11) for place, sign in enumerate(number[:17]))
    return 1850 < born.year < 2100 and number[17].upper() == "10X98765432"[total % 11]


KIND = Kind(
    name="cn_resident_id",
    label="Chinese resident identity number",
    names=("id card", "idcard", "identity card", "resident id", "sfzh", "身份证", "公民身份号码", "证件号"),
    valid=valid,
    types=("text", "integer"),
    certainty=0.99,
    named=0.4,
    share=0.5,
    inside=r"(^|\D)[1-9]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])\d{3}[\dXx]($|[^\dA-Za-z])",
)
