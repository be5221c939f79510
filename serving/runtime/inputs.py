"""What a model reads, and whether an instance has it: the rules of docs/predicting.md, one function a type."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from serving.runtime.faults import Fault, InstanceErrors, Unfit


def _(text: str) -> str:
    """Marks a message for translation; the pages translate it, the API answers in English."""
    return text


UNKNOWN = _("unknown column; this model reads %(columns)s")
MISSING = _("this column needs a value (%(type)s)")
NOT_OBJECT = _("got %(got)s; an instance is an object of column names and values")
QUOTED = _("got the text %(got)s; send a number, without quotes")
NOT_WHOLE = _("got %(got)s; expected a whole number")
NOT_NUMBER = _("got %(got)s; expected a number")
NOT_FINITE = _("got %(got)s; expected a finite number, or null where the value is not known")
TOO_LARGE = _("got %(got)s; whole numbers reach from −2⁶³ to 2⁶³−1")
NOT_BOOLEAN = _("got %(got)s; expected true or false")
NOT_TEXT = _("got %(got)s; expected text, in quotes")
NOT_DATE = _("got %(got)s; expected a date such as 2024-05-31")
NOT_DATETIME = _("got %(got)s; expected a date and time such as 2024-05-31T14:30:00")
UNSEEN = _("got %(got)s, which this model never saw; known are %(known)s")


@dataclass(frozen=True, slots=True)
class Input:
    """One column that a model reads, as its manifest declares it.

    `minimum` and `maximum` are the range seen in training: values outside it are answered all the same. `unseen` says
    what a category that is not among `categories` gets: "accept" (treated as unknown) or "refuse".
    """

    name: str
    type: str
    required: bool = False
    categories: tuple[Any, ...] = ()
    minimum: Any = None
    maximum: Any = None
    example: Any = None
    unseen: str = "accept"

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Input:
        """Read one entry of the manifest's `inputs`."""
        return cls(
            name=item["name"],
            type=item["type"],
            required=bool(item.get("required", False)),
            categories=tuple(item.get("categories") or ()),
            minimum=item.get("minimum"),
            maximum=item.get("maximum"),
            example=item.get("example"),
            unseen=item.get("unseen", "accept"),
        )

    def outside(self, value: Any) -> bool:
        """Whether a number lies outside what training saw."""
        if self.type not in ("integer", "number") or value is None or self.minimum is None or self.maximum is None:
            return False
        return bool(value < self.minimum or value > self.maximum)

    def unknown(self, value: Any) -> bool:
        """Whether a category is one that training never saw."""
        return bool(self.categories) and value is not None and value not in self.categories


def shown(value: Any) -> str:
    """A value as an error message shows it: short, and marked where it was cut."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = f"“{value}”" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def read_integer(value: Any) -> int:
    """3 and 3.0 are whole numbers: JSON does not tell them apart."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        _refuse_number(value, NOT_WHOLE)
    if not -(2**63) <= value < 2**63:
        raise Unfit(TOO_LARGE, got=shown(value))
    return int(value)


def read_number(value: Any) -> int | float:
    if type(value) is float:
        if not math.isfinite(value):
            raise Unfit(NOT_FINITE, got=shown(value))
        return value
    if type(value) is not int:
        _refuse_number(value, NOT_NUMBER)
    if not -(2**63) <= value < 2**64:
        raise Unfit(NOT_FINITE, got=shown(value))
    return int(value)


def _refuse_number(value: Any, text: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        text = NOT_FINITE
    raise Unfit(QUOTED if isinstance(value, str) else text, got=shown(value))


def read_boolean(value: Any) -> bool:
    if value is not True and value is not False:
        raise Unfit(NOT_BOOLEAN, got=shown(value))
    return bool(value)


def read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit(NOT_TEXT, got=shown(value))
    return value


def read_date(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat() if len(value) == 10 else _not(NOT_DATE, value)
    except (TypeError, ValueError):
        return _not(NOT_DATE, value)


def read_datetime(value: Any) -> str:
    """ISO 8601; a time with a zone is taken to UTC, as the tables' times carry none."""
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (TypeError, ValueError, OverflowError):
        return _not(NOT_DATETIME, value)
    return moment.isoformat()


def _not(text: str, value: Any) -> str:
    raise Unfit(text, got=shown(value))


READERS: dict[str, Callable[[Any], Any]] = {
    "integer": read_integer,
    "number": read_number,
    "boolean": read_boolean,
    "text": read_text,
    "date": read_date,
    "datetime": read_datetime,
}


def reader_of(column: Input) -> Callable[[Any], Any]:
    """The function that reads one value of this column or raises Unfit."""
    read = READERS[column.type]
    if column.unseen != "refuse" or not column.categories:
        return read
    known, listed = frozenset(column.categories), ", ".join(shown(c) for c in column.categories[:20])

    def read_known(value: Any) -> Any:
        found = read(value)
        if found not in known:
            raise Unfit(UNSEEN, got=shown(found), known=listed)
        return found

    return read_known


class Inputs:
    """The columns that a model reads, compiled into one check."""

    def __init__(self, columns: Sequence[Input]) -> None:
        self.columns = tuple(columns)
        self._readers = [(column.name, reader_of(column), column.required) for column in columns]
        self._names = frozenset(column.name for column in columns)
        self._types = {column.name: column.type for column in columns}

    def read(self, instances: Iterable[Any]) -> list[dict[str, Any]]:
        """Return the instances' rows, or raise InstanceErrors that names each value that does not fit."""
        faults: list[Fault] = []
        rows = []
        for index, instance in enumerate(instances):
            rows.append(self._row(instance, f"instances[{index}]", faults))
            if len(faults) >= InstanceErrors.LIMIT:
                break
        if faults:
            raise InstanceErrors(faults[: InstanceErrors.LIMIT])
        return rows

    def _row(self, instance: Any, path: str, faults: list[Fault]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        if not isinstance(instance, dict):
            faults.append(Fault(path, NOT_OBJECT, {"got": shown(instance)}))
            return row
        get, seen = instance.get, 0
        for name, read, required in self._readers:
            value = get(name)
            if value is None:
                seen += name in instance
                if required:
                    faults.append(Fault(f"{path}.{name}", MISSING, {"type": self._types[name]}))
                continue
            seen += 1
            try:
                row[name] = read(value)
            except Unfit as unfit:
                faults.append(Fault(f"{path}.{name}", unfit.text, unfit.values))
        if seen < len(instance):
            faults += self._unknown(instance, path)
        return row

    def _unknown(self, instance: Mapping[str, Any], path: str) -> list[Fault]:
        known = ", ".join([column.name for column in self.columns][:20])
        names = [name for name in instance if name not in self._names]
        return [Fault(f"{path}.{name[:80]}", UNKNOWN, {"columns": known}) for name in names[: InstanceErrors.LIMIT]]
