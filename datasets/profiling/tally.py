"""Counting the different texts of a column: exactly to a bound, beyond it by a sketch that says how far it may err."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datasets.profiling.ordered import TOP, changes_in, longest_runs
from datasets.profiling.samples import owned
from datasets.profiling.source import Chunks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Hashes = npt.NDArray[np.uint64]

VALUES = 100_000  # so many different values are kept themselves, with their counts
EXACT = 5_000_000  # so many different values are always told apart; a column of BUFFER rows or fewer has no bound
BUFFER = 12_000_000  # hashes (96 MB)
SKETCH_ERROR = 0.01  # of what a sketch counts: its standard error is 0.8 %
_BITS = 14
_SEED = 20_240_229


class Tally:
    """Takes values in parts. `values` holds {value, count} while they are few, afterwards None and hashes count.

    Two different values of 64-bit hashes agree at ten million values with a chance of 3e-6.
    """

    def __init__(self, rows: int) -> None:
        self.values: pl.DataFrame | None = None
        self._rows = rows
        self._hashing = False
        self._counts_lost = False
        self._hashes: Hashes | None = None
        self._held = 0
        self._sketch: Sketch | None = None

    def add(self, present: pl.Series) -> list[tuple[pl.Series, pl.Series | None]]:
        """Count a part without nulls. Answer what is no longer kept, to be looked at now: values and their counts."""
        import polars as pl

        if self._hashing:
            return self._hash(present)
        if _mostly_different(present):
            return [*self._let_go(), *self._hash(present)]
        counts = present.alias("value").value_counts()
        if self.values is not None:
            counts = pl.concat([self.values, counts]).group_by("value").agg(pl.col("count").sum())
        self.values = counts.with_columns(owned(counts["value"]))
        return self._let_go() if len(counts) > VALUES else []

    def _let_go(self) -> list[tuple[pl.Series, pl.Series | None]]:
        """From now on hashes stand for the values."""
        import numpy as np

        left, self.values, self._hashing = self.values, None, True
        if left is None:
            return []
        hashes, counts = left["value"].hash(_SEED).to_numpy(), left["count"].to_numpy()
        self._counts_lost = int(counts.sum()) > BUFFER // 2
        self._keep(hashes if self._counts_lost else np.repeat(hashes, counts))
        return [(left["value"], left["count"])]

    def _hash(self, present: pl.Series) -> list[tuple[pl.Series, pl.Series | None]]:
        self._keep(present.hash(_SEED).to_numpy())
        return [(present, None)]

    def _keep(self, hashes: Hashes) -> None:
        import numpy as np

        if self._sketch is not None:
            self._sketch.add(hashes)
            return
        if self._hashes is None:
            self._hashes = np.empty(min(self._rows, BUFFER), np.uint64)
        if self._held + len(hashes) > len(self._hashes):
            self._shorten()
        if self._sketch is not None:
            self._sketch.add(hashes)
            return
        self._hashes[self._held : self._held + len(hashes)] = hashes
        self._held += len(hashes)

    def _shorten(self) -> None:
        """Keep each hash once; when those are too many, go on with a sketch."""
        import numpy as np

        assert self._hashes is not None
        different = np.unique(self._hashes[: self._held])
        self._counts_lost = True
        if len(different) > EXACT:
            self._sketch, self._hashes = Sketch(), None
            self._sketch.add(different)
        else:
            self._hashes[: len(different)], self._held = different, len(different)

    def finish(self, chunks: Chunks) -> dict[str, Any]:
        """Return distinct, whether it is exact, and the top values; `chunks` reads the column once more for these."""
        if not self._hashing:
            return self._of_values()
        if self._sketch is not None:
            return {"distinct": self._sketch.estimate(), "distinct_exact": False, "distinct_error": SKETCH_ERROR,
                    "top": _sampled_top(chunks)}  # fmt: skip
        assert self._hashes is not None
        ordered = self._hashes[: self._held]
        ordered.sort()
        changes = changes_in(ordered)
        distinct = int(changes.sum())
        if self._counts_lost:
            return {"distinct": distinct, "distinct_exact": True, "top": _sampled_top(chunks)}
        wanted = {int(ordered[at]): count for at, count in longest_runs(changes) if count > 1}
        return {"distinct": distinct, "distinct_exact": True, "top": _found(chunks, wanted)}

    def _of_values(self) -> dict[str, Any]:
        if self.values is None:
            return {"distinct": 0, "distinct_exact": True, "top": []}
        best = self.values.sort(["count", "value"], descending=[True, False]).head(TOP)
        return {"distinct": len(self.values), "distinct_exact": True, "top": _listed(best.iter_rows())}


class Sketch:
    """HyperLogLog: how many different hashes there were, from the longest run of leading zeros in each register."""

    def __init__(self) -> None:
        import numpy as np

        self._registers = np.zeros(1 << _BITS, np.uint8)

    def add(self, hashes: Hashes) -> None:
        import numpy as np

        register = (hashes >> np.uint64(64 - _BITS)).astype(np.int64)
        rest = (hashes << np.uint64(_BITS)) | np.uint64((1 << _BITS) - 1)
        # The exponent of a float64 is the place of the first one; 53 bits are enough to tell it.
        zeros = 64 - np.frexp((rest >> np.uint64(11)).astype(np.float64))[1] - 11
        np.maximum.at(self._registers, register, (zeros + 1).astype(np.uint8))

    def estimate(self) -> int:
        import numpy as np

        size = len(self._registers)
        raw = 0.7213 / (1 + 1.079 / size) * size * size / np.ldexp(1.0, -self._registers.astype(np.int64)).sum()
        empty = int((self._registers == 0).sum())
        return round(float(size * np.log(size / empty) if raw <= 2.5 * size and empty else raw))


def _mostly_different(present: pl.Series) -> bool:
    """Whether counting value by value would be in vain: nearly every value of a long part is new."""
    head = present.head(20_000)
    return len(present) > VALUES and head.n_unique() > 0.8 * len(head)


def _found(chunks: Chunks, wanted: dict[int, int]) -> list[dict[str, Any]]:
    """The values behind hashes, read once more."""
    import polars as pl

    found: dict[int, str] = {}
    for series in chunks():
        if len(found) == len(wanted):
            break
        missing = pl.Series([key for key in wanted if key not in found], dtype=pl.UInt64)
        present = series.drop_nulls()
        hashes = present.hash(_SEED)
        hits = hashes.is_in(missing.implode())
        found |= dict(zip(hashes.filter(hits).to_list(), present.filter(hits).to_list(), strict=True))
    rows = [(found[key], count) for key, count in wanted.items()]
    return _listed(sorted(rows, key=lambda row: (-row[1], row[0])))


def _sampled_top(chunks: Chunks) -> list[dict[str, Any]]:
    """The most frequent values of a sample of parts, counted over the whole column."""
    import polars as pl

    candidates: pl.DataFrame | None = None
    for series in chunks():
        counts = series.drop_nulls().alias("value").value_counts().filter(pl.col("count") > 1)
        counts = counts if candidates is None else pl.concat([candidates, counts])
        candidates = counts.group_by("value").agg(pl.col("count").sum()).top_k(VALUES // 10, by="count")
    if candidates is None or candidates.is_empty():
        return []
    likely = candidates.top_k(10 * TOP, by="count")["value"]
    parts = [series.filter(series.is_in(likely.implode())).alias("value").value_counts() for series in chunks()]
    exact = pl.concat(parts).group_by("value").agg(pl.col("count").sum())
    return _listed(exact.sort(["count", "value"], descending=[True, False]).head(TOP).iter_rows())


def _listed(rows: Any) -> list[dict[str, Any]]:
    return [{"value": value[:200], "count": int(count)} for value, count in rows if count > 1]
