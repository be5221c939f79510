"""Payment card numbers, by their issuer's first digits, length and Luhn check digit."""

import re

from datasets.personal._base import Kind, digits, luhn

_ISSUER = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}|35(?:2[89]|[3-8]\d)\d{12}"
)


def valid(text: str) -> bool:
    number = digits(text, r"[ -]")
    return _ISSUER.fullmatch(number) is not None and luhn(number)


KIND = Kind(
    name="payment_card",
    label="Payment card number",
    names=("card number", "credit card", "cardno", "card no", "pan", "cc number", "银行卡", "信用卡", "卡号"),
    valid=valid,
    types=("text", "integer"),
    certainty=0.95,
    named=0.4,
)
