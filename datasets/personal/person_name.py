"""Names of people. Values alone cannot tell them from other names: the column's name must speak."""

import re

from datasets.personal._base import Kind

_LETTERS = re.compile(r"[^\W\d_]+(?:[ .,'’·-]{1,2}[^\W\d_]+){0,6}\.?")

KIND = Kind(
    name="person_name",
    label="Name of a person",
    names=(
        "first name", "firstname", "last name", "lastname", "given name", "givenname", "family name", "surname",
        "middle name", "full name", "fullname", "maiden name", "forename", "person name", "customer name",
        "patient name", "employee name", "client name", "contact name", "contact person", "user name real",
        "姓名", "名字", "姓氏", "客户名", "患者名", "联系人", "员工名",
    ),
    valid=lambda text: len(text) <= 80 and _LETTERS.fullmatch(text.strip()) is not None,
    named=0.9,
)  # fmt: skip
