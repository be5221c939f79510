"""A table through a model, block by block: no more than a block is in memory."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from datasets import parts
from datasets.ingestion.rejects import HEADER
from serving.runtime.answering import Answer, Asked, Snapshot, answer
from serving.runtime.faults import InstanceErrors

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 2000
_PLACE = re.compile(r"instances\[(\d+)\](?:\.(.*))?", re.DOTALL)
Step = Callable[[float, str], None]
Refusals = dict[int, list[tuple[str, str]]]  # by row: (column, message)


@dataclass(slots=True)
class Counts:
    """Rows that were answered and rows that could not be: together, all that were read."""

    answered: int = 0
    rejected: int = 0

    @property
    def read(self) -> int:
        return self.answered + self.rejected


def answer_table(
    snapshot: Snapshot, source: Path, target: Path, rejects: Path, *, keep: Sequence[str], step: Step
) -> Counts:
    """Write `target` (Parquet): the kept columns and the answer to each row that can be read; `rejects` (CSV) holds the
    others, each with the reason. Where no row can be read, no target is written."""
    import pyarrow.parquet as pq

    schema, total = parts.schema(source), max(parts.row_count(source), 1)
    inputs = [column.name for column in snapshot.champion.predictor.inputs if column.name in schema.names]
    counts, writer = Counts(), None
    try:
        with rejects.open("w", encoding="utf-8", newline="") as file:
            aside = csv.writer(file)
            aside.writerow(HEADER)
            for batch in parts.batches(source, list(dict.fromkeys([*inputs, *keep])), BLOCK):
                rows = instances_of(batch.select(inputs)) if inputs else [{} for _ in range(batch.num_rows)]
                good, answers, refused = answer_rows(snapshot, rows)
                for place, wrong in sorted(refused.items()):
                    aside.writerow(_line(counts.read + place + 1, rows[place], wrong))
                if good:
                    table = _table(batch.select(list(keep)).take(good), answers, snapshot)
                    writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
                    writer.write_table(table.cast(writer.schema) if table.schema != writer.schema else table)
                counts.answered += len(good)
                counts.rejected += len(refused)
                step(counts.read / total, f"{counts.read:,} rows")
    finally:
        if writer is not None:
            writer.close()
    return counts


def instances_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows as a request holds them: dates as ISO text, NaN as missing."""
    values = [[_plain(value) for value in column.to_pylist()] for column in batch.columns]
    names = batch.schema.names
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in zip(*values, strict=True)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return value.isoformat() if hasattr(value, "isoformat") else value


def answer_rows(snapshot: Snapshot, rows: list[dict[str, Any]]) -> tuple[list[int], list[Answer], Refusals]:
    """The places of the rows that were answered, their answers, and what is wrong with each of the others."""
    refused: Refusals = {}
    good = list(range(len(rows)))
    while good:
        try:
            answered = answer(snapshot, Asked([rows[place] for place in good]), str(uuid4()))
        except InstanceErrors as wrong:
            # It names the first 50 faults: without their rows, the next try names the next.
            for at, column, message in _faults(wrong):
                refused.setdefault(good[at], []).append((column, message))
            good = [place for place in good if place not in refused]
        else:
            return good, answered.predictions, refused
    return [], [], refused


def _faults(wrong: InstanceErrors) -> Iterator[tuple[int, str, str]]:
    for fault in wrong.faults:
        place = _PLACE.fullmatch(fault.field)
        if place is None:  # not of a row, but of the request: no row is answered
            raise wrong
        yield int(place[1]), place[2] or "", fault.message


def _line(number: int, row: dict[str, Any], wrong: list[tuple[str, str]]) -> tuple[int, str, str, str]:
    """A rejected row as imports list them: its number in the table from 1, the column, the reason, the values."""
    columns = list(dict.fromkeys(column for column, _message in wrong))
    reason = "; ".join(f"{column}: {message}" if column and len(columns) > 1 else message for column, message in wrong)
    return number, columns[0] if len(columns) == 1 else "", reason, orjson.dumps(row).decode()


def _table(kept: pa.RecordBatch, answers: list[Answer], snapshot: Snapshot) -> pa.Table:
    """The kept columns and behind them the answers', under names that no kept column has."""
    import pyarrow as pa

    columns = dict(zip(kept.schema.names, kept.columns, strict=True))
    for name, array in _answer_columns(answers, snapshot):
        while name in columns:
            name += "_"  # noqa: PLW2901
        columns[name] = array
    return pa.table(columns)


def _answer_columns(answers: list[Answer], snapshot: Snapshot) -> Iterator[tuple[str, pa.Array]]:
    import pyarrow as pa

    predictor = snapshot.champion.predictor
    if predictor.classes:
        kinds = {type(label) for label in predictor.classes}
        labels = [each["label"] for each in answers]
        plain = kinds in ({bool}, {int})
        yield "prediction", pa.array(labels) if plain else pa.array([str(label) for label in labels], pa.string())
        for label in predictor.labels:
            yield f"probability_{label}", pa.array([each["probabilities"][label] for each in answers], pa.float64())
    else:
        yield "prediction", pa.array([each["value"] for each in answers], pa.float64())
    further = dict.fromkeys(n for each in answers for n in each if n not in ("value", "label", "probabilities"))
    for name in further:
        yield name, pa.array([_text(each.get(name)) for each in answers], pa.string())


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
