"""Suspected personal data: found where it is, and not where numbers merely look alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from datasets.personal_data import KINDS
from datasets.profile import profile
from datasets.schema import Schema

_TYPES = {pl.Int64: "integer", pl.Float64: "number", pl.Boolean: "boolean", pl.Date: "date", pl.String: "text"}


def profiled(folder: Path, frame: pl.DataFrame) -> dict[str, Any]:
    path = folder / "rows.parquet"
    frame.write_parquet(path)
    return profile(path, Schema.of((name, _TYPES[type(kind)]) for name, kind in frame.schema.items()))


def kinds_of(folder: Path, **columns: Any) -> dict[str, str]:
    """The likeliest kind of each column, '' where none is suspected."""
    by_column = profiled(folder, pl.DataFrame(columns))["by_column"]
    return {name: (each["personal"] or [{"kind": ""}])[0]["kind"] for name, each in by_column.items()}


def digits(dice: random.Random, n: int) -> str:
    return "".join(str(dice.randrange(10)) for _ in range(n))


def card(dice: random.Random) -> str:
    body = "4" + digits(dice, 14)
    return next(body + d for d in "0123456789" if KINDS["payment_card"].valid(body + d))  # type: ignore[misc]


def iban(dice: random.Random) -> str:
    account = digits(dice, 18)
    check = 98 - int(account + "131400") % 97
    return f"DE{check:02d}{account}"


def resident(dice: random.Random) -> str:
    body = f"110105{dice.randrange(1950, 2005)}{dice.randrange(1, 13):02d}{dice.randrange(1, 28):02d}{digits(dice, 3)}"
    total = sum(int(d) * w for d, w in zip(body, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return body + "10X98765432"[total % 11]


def until(kind: str, make: Callable[[], str]) -> str:
    """A value that the kind's check digit accepts."""
    return next(value for value in iter(make, None) if KINDS[kind].valid(value))  # type: ignore[misc]


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "email": lambda d: f"{d.choice('abcdefgh')}{digits(d, 5)}@post.example.org",
    "phone": lambda d: d.choice(["+49 30 ", "+1 415-", "+86 138 "]) + digits(d, 4) + d.choice([" ", "-"]) + digits(d, 4),
    "iban": iban,
    "payment_card": card,
    "cn_resident_id": resident,
    "us_ssn": lambda d: f"{d.randrange(100, 600)}-{d.randrange(10, 99)}-{d.randrange(1000, 9999)}",
    "uk_nino": lambda d: f"AB{digits(d, 6)}{d.choice('ABCD')}",
    "uk_nhs": lambda d: until("uk_nhs", lambda: digits(d, 10)),
    "de_tax_id": lambda d: until("de_tax_id", lambda: "".join(d.sample("123456789", 9)) + d.choice("123456789") + digits(d, 1)),
    "ip_address": lambda d: ".".join(str(d.randrange(1, 255)) for _ in range(4)),
    "geo_position": lambda d: f"{d.uniform(-80, 80):.5f}, {d.uniform(-170, 170):.5f}",
}  # fmt: skip


@pytest.mark.parametrize("kind", MAKERS)
def test_values_alone_tell_the_kind(tmp_path: Path, kind: str) -> None:
    dice = random.Random(kind)
    values = [MAKERS[kind](dice) for _ in range(300)]
    spoiled = [value if i % 12 else "unknown" for i, value in enumerate(values)]
    assert kinds_of(tmp_path, a=values, b=spoiled) == {"a": kind, "b": kind}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("first_name", "person_name"), ("CustomerLastName", "person_name"), ("姓名", "person_name"),
        ("street", "postal_address"), ("家庭住址", "postal_address"), ("date_of_birth", "birth_date"),
        ("DOB", "birth_date"), ("出生日期", "birth_date"), ("e-mail", ""), ("product_name", ""), ("filename", ""),
        ("cell_type", ""), ("steps", ""), ("relation", ""),
    ],
)  # fmt: skip
def test_names_of_columns_speak_in_english_and_chinese(tmp_path: Path, name: str, kind: str) -> None:
    words = ["Ada", "Grace", "Li Wei", "Émile", "Zoë", "Ana María", "O'Brien", "王小明"] * 4
    assert kinds_of(tmp_path, **{name: words}) == {name: kind}


ORDINARY: dict[str, Callable[[random.Random], Any]] = {
    "amount": lambda d: d.lognormvariate(8, 2),
    "cents": lambda d: d.randrange(10**9),
    "orders": lambda d: d.randrange(10**10, 10**11),
    "long_ids": lambda d: d.randrange(4 * 10**15, 5 * 10**15),
    "epoch": lambda d: 1_600_000_000 + d.randrange(10**7),
    "epoch_ms": lambda d: 1_600_000_000_000 + d.randrange(10**10),
    "code": lambda d: digits(d, 8),
    "ten_digits": lambda d: digits(d, 10),
    "eleven_digits": lambda d: digits(d, 11),
    "sku": lambda d: f"AB-{digits(d, 4)}",
    "serial": lambda d: f"{digits(d, 3)}-{digits(d, 3)}",
    "version": lambda d: f"{d.randrange(9)}.{d.randrange(9)}.{d.randrange(9)}",
    "decimal": lambda d: f"{d.uniform(-99, 99):.2f}",
    "year": lambda d: d.randrange(1950, 2020),
    "word": lambda d: d.choice(["north", "south", "late payment", "on time", "Red", "A1"]),
    "url": lambda d: f"https://shop.example/item/{d.randrange(10**6)}",
    "hash": lambda d: f"{d.getrandbits(128):032x}",
    "clock": lambda d: f"{d.randrange(24):02d}:{d.randrange(60):02d}",
    "tail": lambda d: d.random(),
}


def test_precision_and_recall_without_the_help_of_names(tmp_path: Path) -> None:
    """Columns of personal data with up to a sixth of dirt, among ordinary ones; every column is called v and a number."""
    dice = random.Random(7)
    wanted: dict[str, str] = {}
    columns: dict[str, list[Any]] = {}
    for kind, make in [*MAKERS.items(), *(("", make) for make in ORDINARY.values())]:
        for dirt in (0, 12, 6):
            name = f"v{len(columns)}"
            values = [make(dice) for _ in range(400)]
            columns[name] = [None if dirt and i % dirt == 0 else value for i, value in enumerate(values)]
            if dirt and kind:
                columns[name] = ["n/a" if value is None else value for value in columns[name]]
            wanted[name] = kind
    found = kinds_of(tmp_path, **columns)
    hits = sum(found[name] == kind for name, kind in wanted.items() if kind)
    suspected = sum(bool(kind) for kind in found.values())
    assert {name: found[name] for name, kind in wanted.items() if not kind and found[name]} == {}
    assert hits / suspected == 1.0 and hits / sum(bool(kind) for kind in wanted.values()) >= 0.95


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine])
def test_tables_of_measurements_are_not_suspected(tmp_path: Path, load: Any) -> None:
    frame = pl.from_pandas(load(as_frame=True).frame)
    assert not [name for name, kind in kinds_of(tmp_path, **frame.to_dict()).items() if kind]


def test_findings_hold_no_values(tmp_path: Path) -> None:
    dice = random.Random(1)
    values = [MAKERS["email"](dice) for _ in range(50)]
    found = profiled(tmp_path, pl.DataFrame({"contact": values}))["by_column"]["contact"]["personal"]
    assert [each["kind"] for each in found] == ["email"] and not any(value in str(found) for value in values)
    assert found[0]["matching"] == found[0]["checked"] == found[0]["rows"] == 50 and found[0]["rows_exact"]


def test_addresses_inside_notes_are_found(tmp_path: Path) -> None:
    notes = [
        f"Customer {i} called about invoice and left" + (f" a{i}@b.example" if i % 10 == 0 else "") for i in range(200)
    ]
    found = profiled(tmp_path, pl.DataFrame({"note": notes}))["by_column"]["note"]["personal"]
    assert found[0]["kind"] == "email" and found[0]["within"] and found[0]["rows"] == 20
