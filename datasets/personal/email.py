"""E-mail addresses."""

import re

from datasets.personal._base import Kind

_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}")

KIND = Kind(
    name="email",
    label="E-mail address",
    names=("email", "e mail", "mail address", "emailaddress", "邮箱", "电子邮件", "邮件地址"),
    valid=lambda text: _ADDRESS.fullmatch(text.strip()) is not None,
    certainty=0.98,
    named=0.5,
    share=0.5,
    inside=r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}\b",
)
