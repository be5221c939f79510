"""Dates and years of birth, by the column's name."""

from datasets.personal._base import Kind

KIND = Kind(
    name="birth_date",
    label="Date of birth",
    names=(
        "birth date", "birthdate", "date of birth", "dateofbirth", "dob", "birthday", "birth day", "born", "born on",
        "year of birth", "birth year", "出生日期", "生日", "出生年月", "出生年",
    ),
    types=("date", "datetime", "text", "integer"),
    named=0.85,
)  # fmt: skip
