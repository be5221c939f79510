"""Which columns seem to hold personal data: by their values, where these can be checked, and by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from datasets.personal._base import Kind
from plugins.registry import Registry

if TYPE_CHECKING:
    from datasets.profiling.samples import Sample

KINDS: Registry[Kind] = Registry("datasets.personal", "KIND")
FIRST = 200  # values that are looked at before all of the sample is
LEAST = 5  # different values, before values alone are believed
LEAST_NUMBERS = 10  # the same for bare digits, which agree with a check digit by chance
SHARE_NUMBERS = 0.9
SHARE_NAMED = 0.3  # of the different values, where the name speaks too
LEAST_WITHIN = 0.01  # share of longer texts that hold such a value
CERTAINTY_WITHIN = 0.6


def suspicions(column: str, figures: Mapping[str, Any], sample: Sample | None) -> list[dict[str, Any]]:
    """Return what a column seems to hold, the surest first, never with a value.

    Each: kind, confidence (0 to 1), by_name, within (in longer text), checked and matching (different values),
    rows (that hold a matching value) and rows_exact (False: reckoned from the values that were checked).
    """
    if not figures["distinct"]:
        return []
    evidence = _Evidence(column, figures, sample)
    found = [each for kind in KINDS if figures["type"] in kind.types and (each := evidence.of(kind))]
    if any(each["matching"] for each in found):
        found = [each for each in found if each["matching"]]
    return sorted(found, key=lambda each: (-each["confidence"], each["kind"]))


class _Evidence:
    """One column's name, figures and some of its values."""

    def __init__(self, column: str, figures: Mapping[str, Any], sample: Sample | None) -> None:
        self.column = column
        self.figures = figures
        self.whole = sample is not None and sample.whole
        self.values = sample.values() if sample is not None else None
        every = max(1, len(self.values) // FIRST) if self.values is not None else 1
        self.first: list[str] = self.values["value"].gather_every(every).to_list() if self.values is not None else []

    def of(self, kind: Kind) -> dict[str, Any] | None:
        """What speaks for one kind, if enough does."""
        named = kind.called(self.column)
        if kind.valid is None or not self.first:
            fitting = kind.fits(self.figures) if kind.fits else kind.valid is None or not self.first
            return self._by_name(kind) if named and fitting and not self._numbers_unseen(kind) else None
        if not named and not kind.certainty:
            return None
        return self._by_values(kind, named=named) or self._within(kind)

    def _numbers_unseen(self, kind: Kind) -> bool:
        """A number column of which no value was kept cannot hold what has a shape of its own."""
        return kind.valid is not None and kind.fits is None

    def _by_name(self, kind: Kind) -> dict[str, Any]:
        return _finding(kind, kind.named, by_name=True, rows=self.figures["present"], rows_exact=True)

    def _by_values(self, kind: Kind, *, named: bool) -> dict[str, Any] | None:
        valid, loose = kind.valid, kind.loose if named else None
        assert valid is not None
        wanted = self._wanted(kind, named=named)
        seen = sum(valid(value) or bool(loose and loose(value)) for value in self.first)
        if seen < 0.8 * wanted * len(self.first):
            return None
        assert self.values is not None
        hits = [valid(value) or bool(loose and loose(value)) for value in self.values["value"]]
        matching, checked = sum(hits), len(hits)
        if matching < wanted * checked or (not named and matching < self._least()):
            return None
        rows = self._rows_of(hits)
        alone = kind.certainty * matching / checked
        confidence = 1 - (1 - alone) * (1 - kind.named) if named else alone
        return _finding(
            kind, confidence, by_name=named, checked=checked, matching=matching, rows=rows, rows_exact=self.whole
        )

    def _rows_of(self, hits: Any) -> int:
        """The rows of the matching values, reckoned for the whole column where not all of its values were checked."""
        assert self.values is not None
        rows = int(self.values["count"].filter(hits).sum())
        return rows if self.whole else round(rows / int(self.values["count"].sum()) * self.figures["present"])

    def _wanted(self, kind: Kind, *, named: bool) -> float:
        if named:
            return SHARE_NAMED
        return max(kind.share, SHARE_NUMBERS) if self._bare() else kind.share

    def _least(self) -> int:
        return LEAST_NUMBERS if self._bare() else LEAST

    def _bare(self) -> bool:
        return self.figures["type"] == "integer" or all(value.isdigit() for value in self.first)

    def _within(self, kind: Kind) -> dict[str, Any] | None:
        """The kind inside longer text, such as notes."""
        if not kind.inside or self.figures["type"] != "text" or self.figures["length"]["max"] < 20:
            return None
        assert self.values is not None
        hits = self.values["value"].str.contains(kind.inside)
        matching, checked = int(hits.sum()), len(hits)
        if not matching or (matching < max(3, LEAST_WITHIN * checked) and not self.whole):
            return None
        rows = self._rows_of(hits)
        if rows < LEAST_WITHIN * self.figures["present"]:
            return None
        return _finding(
            kind, CERTAINTY_WITHIN, within=True, checked=checked, matching=matching, rows=rows, rows_exact=self.whole
        )


def _finding(kind: Kind, confidence: float, **evidence: Any) -> dict[str, Any]:
    blank = {"by_name": False, "within": False, "checked": 0, "matching": 0, "rows": 0, "rows_exact": True}
    return {"kind": kind.name, "confidence": round(confidence, 3), **blank, **evidence}
