"""NHS numbers of England and Wales, by their mod-11 check digit."""

from datasets.personal._base import Kind, digits


def valid(text: str) -> bool:
    number = digits(text, r"[ -]")
    if len(number) != 10 or len(set(number)) == 1:
        return False
    check = 11 - sum(int(sign) * (10 - place) for place, sign in enumerate(number[:9])) % 11
    return check != 10 and int(number[9]) == check % 11


KIND = Kind(
    name="uk_nhs",
    label="NHS number",
    names=("nhs", "nhs number", "nhsno", "nhs no"),
    valid=valid,
    types=("text", "integer"),
    certainty=0.9,
    named=0.6,
)
