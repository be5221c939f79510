"""Postal addresses and their parts, by the column's name."""

from datasets.personal._base import Kind

KIND = Kind(
    name="postal_address",
    label="Postal address",
    names=(
        "address", "street", "street address", "home address", "postal address", "address line", "addr", "postcode",
        "postal code", "zip code", "zipcode", "zip", "house number", "地址", "住址", "街道", "邮编", "邮政编码",
    ),
    types=("text", "integer"),
    named=0.7,
)  # fmt: skip
