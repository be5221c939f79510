"""German tax identification numbers (Steuer-ID), by their repeated digit and check digit (ISO 7064, mod 11, 10)."""

from collections import Counter

from datasets.personal._base import Kind, digits


def valid(text: str) -> bool:
    number = digits(text, r"[ /-]")
    if len(number) != 11 or number[0] == "0":
        return False
    repeated = Counter(number[:10]).most_common(2)
    if repeated[0][1] not in (2, 3) or repeated[1][1] > 1:
        return False
    product = 10
    for sign in number[:10]:
        product = ((int(sign) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(number[10])


KIND = Kind(
    name="de_tax_id",
    label="German tax number",
    names=("steuer id", "steuerid", "tax id", "steueridentifikationsnummer", "idnr", "steuernummer", "税号"),
    valid=valid,
    types=("text", "integer"),
    certainty=0.95,
    named=0.4,
)
