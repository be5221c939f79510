"""Predict with the exported model beside this file: `python predict.py rows.csv > answers.csv`.

Needs Python 3.11, numpy and onnxruntime. The answers come in the form of the question: .csv (with a header line; an
empty cell is a missing value), .json (a list of objects, or {"instances": […]}) or .jsonl (an object a line).
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

from serving.runtime.faults import ArtifactRefused, Fault, InstanceErrors
from serving.runtime.inputs import Input
from serving.runtime.predictor import Predictor

BLOCK = 1000  # rows that are in memory at once, except of .json, which is read as a whole
Instances = Iterator[dict[str, Any]]


def main(arguments: list[str], out: IO[str]) -> int:
    """Answer the file that is named; returns 0, 1 for rows or files that cannot be used, 2 for a wrong call."""
    if len(arguments) != 1 or Path(arguments[0]).suffix not in FORMS:
        sys.stderr.write(f"usage: python predict.py rows.csv > answers.csv  (one of {', '.join(FORMS)})\n")
        return 2
    path = Path(arguments[0])
    read, write = FORMS[path.suffix]
    try:
        predictor = Predictor.load(Path(__file__).parent)
        with path.open(encoding="utf-8-sig", newline="") as stream:
            write(out, predictor, _answers(predictor, read(stream, predictor)))
    except InstanceErrors as wrong:
        sys.stderr.writelines(f"{fault.field}: {fault.message}\n" for fault in wrong.faults)
    except (ArtifactRefused, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
    else:
        return 0
    return 1


def _answers(predictor: Predictor, instances: Instances) -> Iterator[dict[str, Any]]:
    """The answers a block at a time. Rows are counted from 0 over the whole file, as in a request of the platform."""
    done = 0
    while block := list(islice(instances, BLOCK)):
        try:
            yield from predictor.predict(block)
        except InstanceErrors as wrong:
            raise InstanceErrors([_moved(fault, done) for fault in wrong.faults]) from None
        done += len(block)


def _moved(fault: Fault, by: int) -> Fault:
    number, rest = fault.field.removeprefix("instances[").split("]", 1)
    return Fault(f"instances[{int(number) + by}]{rest}", fault.text, fault.values)


def read_csv(stream: IO[str], predictor: Predictor) -> Instances:
    """The rows with each cell as its column's type; columns that the model does not read are left out."""
    lines = csv.DictReader(stream)
    there = set(lines.fieldnames or ())
    columns = [column for column in predictor.inputs if column.name in there]
    missing = [column.name for column in predictor.inputs if column.required and column.name not in there]
    if missing:
        raise ValueError(f"the header line lacks columns that the model needs: {', '.join(missing)}")
    for line in lines:
        yield {column.name: typed(line[column.name], column) for column in columns if line[column.name]}


def typed(text: str, column: Input) -> Any:
    """A cell as a value of its column; a text that is none stays as it is and is refused with its place."""
    if column.type == "boolean":
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    for kind in {"integer": (int, float), "number": (int, float)}.get(column.type, ()):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def read_json(stream: IO[str], _predictor: Predictor) -> Instances:
    asked = json.load(stream)
    rows = asked.get("instances") if isinstance(asked, dict) else asked
    if not isinstance(rows, list):
        raise ValueError('expected a list of objects, or {"instances": […]}')
    return iter(rows)


def read_json_lines(stream: IO[str], _predictor: Predictor) -> Instances:
    return (json.loads(line) for line in stream if line.strip())


def write_csv(out: IO[str], predictor: Predictor, answers: Iterable[Mapping[str, Any]]) -> None:
    """A column `value`; or `label`, and a column for the probability of each label."""
    table = csv.writer(out, lineterminator="\n")
    named = ["label", *(f"probability_{label}" for label in predictor.labels)] if predictor.labels else ["value"]
    table.writerow(named)
    for answer in answers:
        table.writerow([answer[named[0]], *answer.get("probabilities", {}).values()])


def write_json(out: IO[str], _predictor: Predictor, answers: Iterable[Mapping[str, Any]]) -> None:
    json.dump(list(answers), out, ensure_ascii=False, indent=1)
    out.write("\n")


def write_json_lines(out: IO[str], _predictor: Predictor, answers: Iterable[Mapping[str, Any]]) -> None:
    for answer in answers:
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")


Read = Callable[[IO[str], Predictor], Instances]
Write = Callable[[IO[str], Predictor, Iterable[Mapping[str, Any]]], None]
FORMS: dict[str, tuple[Read, Write]] = {
    ".csv": (read_csv, write_csv),
    ".json": (read_json, write_json),
    ".jsonl": (read_json_lines, write_json_lines),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout))
