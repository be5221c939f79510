"""How the records of a text table are divided into fields. Decided on its first lines, always open to an override."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from datasets.formats._header import AUTO, looks_like_value
from plugins.params import Param, ParamError

SPACES, OTHER = "spaces", "other"
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "colon": ":", "caret": "^"}
QUOTES = {"double": '"', "single": "'", "none": ""}
ESCAPES = {"doubled": "", "backslash": "\\"}
PARAMS = (
    Param(
        "delimiter", "choice", AUTO, "The sign between two fields; spaces: any number of them, as in aligned columns.",
        choices=(AUTO, *DELIMITERS, SPACES, OTHER),
    ),
    Param("sign", "text", None, "The delimiter, one sign.", label="Other delimiter", optional=True, when=("delimiter", (OTHER,))),
    Param("quote", "choice", AUTO, "The sign around a field that holds the delimiter.", choices=(AUTO, *QUOTES)),
    Param("escape", "choice", AUTO, "How a quote inside a quoted field is written.", choices=(AUTO, *ESCAPES)),
)  # fmt: skip
# A comma also stands inside numbers and sentences; at equal evidence the rarer signs win. A colon stands inside times,
# so it is never taken by itself.
_PREFERENCE = ("\t", ";", "|", "^", ",")
SAMPLE_LINES = 200
_ALIGNED = re.compile(r'"[^"\r\n]*"|[^ \t\r\n]+')


@dataclass(frozen=True, slots=True)
class Dialect:
    """The signs of a text table: `quote` is "" where none is used, `escape` is "" where a quote is written twice."""

    delimiter: str
    quote: str = '"'
    escape: str = ""

    @property
    def plain(self) -> bool:
        """Whether whole blocks can be cut and parsed at once."""
        return self.quote == '"' and not self.escape

    def reader(self, lines: Iterable[str], *, strict: bool) -> Any:
        """Python's parser for this dialect."""
        return csv.reader(
            lines, delimiter=self.delimiter, quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None, doublequote=not self.escape, strict=strict,
        )  # fmt: skip

    def options(self) -> dict[str, Any]:
        """The dialect as values of PARAMS."""
        word = next((word for word, sign in DELIMITERS.items() if sign == self.delimiter), OTHER)
        return {
            "delimiter": word,
            "sign": self.delimiter if word == OTHER else None,
            "quote": next(word for word, sign in QUOTES.items() if sign == self.quote),
            "escape": next(word for word, sign in ESCAPES.items() if sign == self.escape),
        }


def check(options: Mapping[str, Any]) -> None:
    """Raise ParamError for a delimiter of one's own that cannot be one."""
    sign = options["sign"]
    if options["delimiter"] == OTHER and (
        not sign or len(sign) != 1 or not sign.isascii() or sign.isalnum() or sign in "\"'\\\r\n\0 "
    ):
        raise ParamError("sign", "expected one ASCII sign that is no letter, digit, space or quote")


def understand(text: str, options: Mapping[str, Any]) -> Dialect:
    """Return the dialect of a text: what the options say, and for the rest what fits its first lines best."""
    told = announced(text)
    if told:
        text = text.partition("\n")[2]
    given = options["sign"] if options["delimiter"] == OTHER else DELIMITERS.get(options["delimiter"])
    quotes = [options["quote"]] if options["quote"] != AUTO else ["double", "single"]
    escapes = [options["escape"]] if options["escape"] != AUTO else list(ESCAPES)
    first = Dialect(",", QUOTES[quotes[0]], ESCAPES[escapes[0]])
    dialect = replace(first, delimiter=given or told or _delimiter(text, first))
    others = [replace(dialect, quote=QUOTES[q], escape=ESCAPES[e]) for q in quotes for e in escapes]
    # Another way to quote must fit better than the usual one; `max` takes the first of equals.
    return max([dialect, *(each for each in others if each.quote in text)], key=lambda each: _consistency(text, each))


def announced(text: str) -> str:
    """The delimiter that a first line such as `sep=;` names, as Excel writes it; "" without one."""
    return text[4] if re.match("sep=.\r?\n", text) else ""


def _delimiter(text: str, dialect: Dialect) -> str:
    """The delimiter under which most lines have the same number of fields, above one."""
    scores = {sign: _consistency(text, replace(dialect, delimiter=sign)) for sign in _PREFERENCE}
    best = max(_PREFERENCE, key=lambda sign: scores[sign])
    return best if scores[best] > 0 else ","


def _consistency(text: str, dialect: Dialect) -> float:
    """The share of lines that have the most frequent number of fields above one."""
    widths = Counter(len(record) for record in sample_records(text, dialect)[1])
    several = [lines for width, lines in widths.items() if width > 1]
    return max(several) / widths.total() if several else 0.0


def sample_records(text: str, dialect: Dialect) -> tuple[list[int], list[list[str]]]:
    """Return the first records of the text without the blank ones, and the line on which each begins.

    An unfinished quote ends the sample.
    """
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = dialect.reader(io.StringIO(text, newline=""), strict=False)
    lines: list[int] = []
    records: list[list[str]] = []
    line = 1
    try:
        for record in reader:
            if record:
                lines.append(line)
                records.append(record)
            line = reader.line_num + 1
            if len(records) >= SAMPLE_LINES:
                break
    except csv.Error:
        pass
    return lines, records


def is_aligned(text: str) -> bool:
    """Answer whether fields are divided by spaces: every line has as many words, of which some are values.

    Only where no delimiter explains the lines.
    """
    if any(_consistency(text, Dialect(sign)) > 0.5 for sign in _PREFERENCE if sign != "\t"):
        return False
    records = [words for line in text.splitlines()[:SAMPLE_LINES] if (words := _ALIGNED.findall(line))]
    widths = {len(words) for words in records}
    if len(records) < 2 or len(widths) > 1 or min(widths) < 3 or " " not in text:
        return False
    tabbed = sample_records(text, Dialect("\t"))[1]
    if _consistency(text, Dialect("\t")) == 1 and not any("  " in cell for record in tabbed for cell in record):
        return False
    body = records[1:]
    return any(all(looks_like_value(words[i]) for words in body) for i in range(len(body[0])))


def unaligned(line: str) -> str:
    """A line whose fields are divided by spaces, with a tab between them."""
    return "\t".join(_ALIGNED.findall(line))
