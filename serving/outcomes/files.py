"""Outcomes from a CSV file: a header with request_id and value, and instance where requests had several rows."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from rest.problems import invalid
from serving.outcomes.services import MOST, Told

MOST_BYTES = 4 * 2**20
NEEDED = ("request_id", "value")


@dataclass(frozen=True, slots=True)
class Lines:
    """The truths of a file, and the line that each stands on, from 1."""

    told: list[Told]
    at: list[int]


def read(file: UploadedFile) -> Lines:
    """Read a small file whole. Raises Refused (422) that says what is wrong with the file; lines are judged later."""
    if (file.size or 0) > MOST_BYTES:
        raise invalid("file", _("the file is larger than 4 MB; send larger ones in parts"))
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid("file", _("the file is not UTF-8 text; save it as CSV in UTF-8")) from None
    try:
        return _lines(text)
    except csv.Error as error:
        raise invalid("file", _("the file cannot be read as CSV: %s") % error) from None


def _lines(text: str) -> Lines:
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [(name or "").strip() for name in reader.fieldnames or ()]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        message = _("the first line names the columns request_id, value and, if needed, instance; missing: %s")
        raise invalid("file", message % ", ".join(missing))
    reader.fieldnames = names
    told: list[Told] = []
    at: list[int] = []
    for row in reader:
        if len(told) == MOST:
            raise invalid("file", _("the file has more than 10,000 lines; send it in parts"))
        told.append(Told((row["request_id"] or "").strip(), (row["value"] or "").strip(), _place(row.get("instance"))))
        at.append(reader.line_num)
    if not told:
        raise invalid("file", _("the file has no line below its header"))
    return Lines(told, at)


def _place(text: str | None) -> int | str:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() else text or 0
