"""Telephone numbers: international (E.164, with + or 00), Chinese mobile, North American and with an area code."""

import re

from datasets.personal._base import Kind, digits

_PLAIN = re.compile(
    r"(?:\+|00)[1-9](?:[ ()./-]*\d){6,14}"  # international
    r"|(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}"  # Chinese mobile
    r"|\(\d{3}\) ?\d{3}-\d{4}|\d{3}[.-]\d{3}[.-]\d{4}"  # North American
    r"|0\d{1,4}[ /()-]\d{3,4}[ -]?\d{3,5}"  # with an area code
)

KIND = Kind(
    name="phone",
    label="Telephone number",
    names=(
        "phone", "telephone", "tel", "mobile", "cell", "cellphone", "phone number", "mobile number", "fax",
        "电话", "手机", "联系方式",
    ),
    valid=lambda text: _PLAIN.fullmatch(text.strip()) is not None,
    loose=lambda text: 7 <= len(digits(text, r"[ ()/.+-]")) <= 15,
    types=("text", "integer"),
    certainty=0.8,
    named=0.4,
    inside=r"(^|[^\d+])(\+[1-9](?:[ ()-]?\d){8,13}|1[3-9]\d{9})($|\D)",
)  # fmt: skip
