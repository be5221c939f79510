"""The Open Inference Protocol, version 2, with the binary tensor extension: its bodies read and written.

    https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
    https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md

A model's columns are its input tensors, each of shape [n] or [n, 1]; a model of numbers alone also takes one tensor
`input` of shape [n, columns], in the order of its columns. A value is missing where a floating-point tensor holds NaN,
where `data` holds null, where a date is empty text, and everywhere if the column's tensor is left out.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson

from serving.runtime.inputs import Input

VERSION = "2"
EXTENSIONS = ("binary_tensor_data",)
MATRIX = "input"
MOST_ROWS = 10_000
WORTH_PACKING = 1024  # bytes
HEADER = "Inference-Header-Content-Length"

# Everything on the wire is little-endian. BYTES has no fixed width.
TYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"), "UINT8": np.dtype("u1"), "UINT16": np.dtype("<u2"), "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"), "INT8": np.dtype("i1"), "INT16": np.dtype("<i2"), "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"), "FP16": np.dtype("<f2"), "FP32": np.dtype("<f4"), "FP64": np.dtype("<f8"),
}  # fmt: skip
NUMBERS = tuple(name for name in TYPES if name != "BOOL")
# The datatype that metadata names for a column of each type, and all those that are read.
DATATYPES = {"integer": "INT64", "number": "FP64", "boolean": "BOOL", "text": "BYTES", "date": "BYTES",
             "datetime": "BYTES"}  # fmt: skip
READ = {"integer": NUMBERS, "number": NUMBERS, "boolean": ("BOOL",), "text": ("BYTES",), "date": ("BYTES",),
        "datetime": ("BYTES",)}  # fmt: skip


class Malformed(Exception):
    """A body that is not of the protocol, or does not fit the model: HTTP 400, 413 where it is too large, 415 where it
    is packed in a way that is not read."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: the instances as the native endpoint takes them, and how the answer is to look.

    `outputs` maps each wanted output to whether it is to be binary; empty: all of them, as `binary` says.
    """

    instances: list[dict[str, Any]]
    id: str | None
    parameters: Mapping[str, Any]
    outputs: Mapping[str, bool]
    binary: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """A body to send. `header_length` is what the header named HEADER says; None where the body is JSON alone."""

    body: bytes
    header_length: int | None


def inflate(body: bytes, encoding: str, most: int) -> bytes:
    """The body without its Content-Encoding, at most `most` bytes: a small body that unfolds to more is not unfolded.
    Raises Malformed."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise Malformed(f"Content-Encoding: got {encoding[:40]!r}; gzip and deflate are read", 415)
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | (16 if encoding == "gzip" else 0))
    try:
        found = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise Malformed(f"the body is not {encoding}: {error}") from None
    if len(found) > most:
        raise Malformed(f"the body unfolds to more than {most >> 20} MB; send fewer rows", 413)
    if not unpacker.eof:
        raise Malformed(f"the body is not {encoding}: it ends too early")
    return found


def deflate(body: bytes, accepted: str) -> tuple[bytes, str]:
    """The body as a client that accepts these encodings gets it, and the Content-Encoding: "" where it stays."""
    if len(body) < WORTH_PACKING:
        return body, ""
    named = [part.lower().replace(" ", "").partition(";q=") for part in accepted.split(",")]
    wanted = {encoding for encoding, _q, weight in named if weight.strip("0.") or not weight}
    for encoding, bits in (("gzip", 16), ("deflate", 0)):
        if encoding in wanted:
            packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | bits)
            return packer.compress(body) + packer.flush(), encoding
    return body, ""


def read(body: bytes, header_length: str | None, columns: Sequence[Input]) -> Request:
    """Read a request to infer. `header_length` is the value of the header HEADER. Raises Malformed."""
    asked, rest = _split(body, header_length)
    tensors = _tensors(asked, rest)
    parameters = _object(asked, "parameters")
    id = asked.get("id")
    if id is not None and not isinstance(id, str):
        raise Malformed("id: expected text")
    binary = bool(parameters.get("binary_data_output", False))
    return Request(_instances(tensors, columns), id, parameters, _wanted(asked, binary), binary)


def _split(body: bytes, header_length: str | None) -> tuple[dict[str, Any], memoryview]:
    """The JSON of a body, and the bytes of its binary tensors."""
    length = len(body)
    if header_length is not None:
        if not (header_length.isascii() and header_length.isdigit() and 0 < int(header_length[:19]) <= length):
            raise Malformed(f"{HEADER}: got {header_length[:40]!r}; the body has {length} bytes")
        length = int(header_length)
    if b"\\u0000" in body[:length]:
        raise Malformed("text may not contain the NUL character (\\u0000)")
    try:
        asked = orjson.loads(memoryview(body)[:length])
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the body's JSON cannot be read: {error}. Its length is that of {HEADER}, if sent.") from None
    if not isinstance(asked, dict):
        raise Malformed("the body is not an object with “inputs”")
    return asked, memoryview(body)[length:]


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = holder.get(name)
    if found is not None and not isinstance(found, dict):
        raise Malformed(f"{name}: expected an object")
    return found or {}


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    datatype: str
    shape: list[int]
    values: list[Any]  # flat; missing is None


def _tensors(asked: Mapping[str, Any], rest: memoryview) -> list[_Tensor]:
    given = asked.get("inputs")
    if not isinstance(given, list) or not given:
        raise Malformed("inputs: expected a list of tensors")
    found, names = [], set()
    for index, each in enumerate(given):
        tensor, rest = _tensor(each, f"inputs[{index}]", rest)
        if tensor.name in names:
            raise Malformed(f"inputs[{index}]: {tensor.name!r} is given twice")
        names.add(tensor.name)
        found.append(tensor)
    if rest:
        raise Malformed(f"{len(rest)} bytes follow the last tensor; {HEADER} or a binary_data_size is wrong")
    return found


def _tensor(given: Any, place: str, rest: memoryview) -> tuple[_Tensor, memoryview]:
    """One tensor, and what is left of the binary part after it."""
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise Malformed(f"{place}: expected an object with name, shape, datatype and data")
    name, datatype, shape = given["name"], given.get("datatype"), given.get("shape")
    place = f"{place} ({name[:80]})"
    if datatype != "BYTES" and datatype not in TYPES:
        raise Malformed(f"{place}: got datatype {str(datatype)[:40]}; known are BYTES, {', '.join(TYPES)}")
    if not isinstance(shape, list) or not shape or not all(type(size) is int and 0 <= size < 2**31 for size in shape):
        raise Malformed(f"{place}: expected a shape, a list of sizes")
    count, parameters = math.prod(shape), _object(given, "parameters")
    if "shared_memory_region" in parameters:
        raise Malformed(f"{place}: shared memory is not read; send the data")
    size = parameters.get("binary_data_size")
    if size is None:
        values = _flat(given.get("data"), shape, place)
    elif "data" in given:
        raise Malformed(f"{place}: has data and binary_data_size; send one of them")
    elif type(size) is not int or not 0 <= size <= len(rest):
        raise Malformed(f"{place}: binary_data_size is {size}, but {len(rest)} bytes are left of the body")
    else:
        part, rest = rest[:size], rest[size:]
        values = _texts(part, count, place) if datatype == "BYTES" else _numbers(part, datatype, count, place)
    return _Tensor(name, datatype, shape, values), rest


def _flat(data: Any, shape: list[int], place: str) -> list[Any]:
    """The values of `data`, which may be nested as the shape is or flat."""
    if not isinstance(data, list):
        raise Malformed(f"{place}: expected data, a list of values")
    values: list[Any] = data
    for _depth in shape[1:]:
        if values and all(isinstance(part, list) for part in values):
            values = [value for part in values for value in part]
    if len(values) != math.prod(shape):
        raise Malformed(f"{place}: got {len(values)} values for the shape {shape}")
    return values


def _numbers(part: memoryview, datatype: str, count: int, place: str) -> list[Any]:
    kind = TYPES[datatype]
    if len(part) != count * kind.itemsize:
        wanted = f"{count} values of {datatype} take {count * kind.itemsize} bytes"
        raise Malformed(f"{place}: binary_data_size is {len(part)}, but {wanted}")
    found = np.frombuffer(part, kind)
    if datatype == "BOOL" and count and np.frombuffer(part, "u1").max() > 1:
        raise Malformed(f"{place}: a BOOL is a byte of 0 or 1")
    values: list[Any] = found.tolist()
    if kind.kind == "f":
        for index in np.flatnonzero(np.isnan(found)).tolist():
            values[index] = None
    return values


def _texts(part: memoryview, count: int, place: str) -> list[str]:
    """BYTES elements: each its length in four bytes, then itself."""
    texts, at = [], 0
    for index in range(count):
        if at + 4 > len(part):
            raise Malformed(f"{place}: holds {index} elements where its shape says {count}")
        [length] = struct.unpack_from("<I", part, at)
        at += 4 + length
        if at > len(part):
            raise Malformed(f"{place}: element {index} is longer than what is left of the tensor")
        try:
            texts.append(str(part[at - length : at], "utf-8"))
        except UnicodeDecodeError:
            raise Malformed(f"{place}: element {index} is not UTF-8") from None
        if "\0" in texts[-1]:
            raise Malformed(f"{place}: element {index} contains the NUL character")
    if at != len(part):
        raise Malformed(f"{place}: {len(part) - at} bytes follow its last element")
    return texts


def _instances(tensors: list[_Tensor], columns: Sequence[Input]) -> list[dict[str, Any]]:
    """The rows that the tensors hold, column by column."""
    known = {column.name: column for column in columns}
    if len(tensors) == 1 and tensors[0].name == MATRIX and MATRIX not in known:
        return _matrix(tensors[0], columns)
    rows = tensors[0].shape[0]
    for tensor in tensors:
        place = f"inputs ({tensor.name[:80]})"
        if tensor.name not in known:
            raise Malformed(f"{place}: unknown; this model reads {', '.join(list(known)[:20])}")
        if tensor.shape not in ([rows], [rows, 1]):
            raise Malformed(f"{place}: got the shape {tensor.shape}; expected [{rows}] or [{rows}, 1]")
        _fits(tensor, known[tensor.name], place)
    _count(rows)
    names = [tensor.name for tensor in tensors]
    values = [_dated(tensor, known[tensor.name]) for tensor in tensors]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _dated(tensor: _Tensor, column: Input) -> list[Any]:
    """An element of BYTES cannot be null: of a date, empty text is."""
    return [value or None for value in tensor.values] if column.type in ("date", "datetime") else tensor.values


def _fits(tensor: _Tensor, column: Input, place: str) -> None:
    if tensor.datatype not in READ[column.type]:
        wanted = ", ".join(READ[column.type])
        raise Malformed(f"{place}: got {tensor.datatype} for a column of type {column.type}; it takes {wanted}")


def _count(rows: int) -> None:
    if not 1 <= rows <= MOST_ROWS:
        raise Malformed(f"inputs: got {rows} rows; send 1 to {MOST_ROWS:,} in one request")


def _matrix(tensor: _Tensor, columns: Sequence[Input]) -> list[dict[str, Any]]:
    """All columns in one tensor, for a model of numbers alone."""
    others = [column.name for column in columns if column.type not in ("integer", "number")]
    if others:
        raise Malformed(f"inputs ({MATRIX}): this model reads {others[0]!r}, no number: send a tensor for each column")
    width = len(columns)
    if len(tensor.shape) != 2 or tensor.shape[1] != width or tensor.datatype not in NUMBERS:
        wanted = f"numbers of the shape [rows, {width}]"
        raise Malformed(f"inputs ({MATRIX}): got {tensor.datatype} of the shape {tensor.shape}; expected {wanted}")
    _count(tensor.shape[0])
    names, values = [column.name for column in columns], tensor.values
    return [dict(zip(names, values[at : at + width], strict=True)) for at in range(0, len(values), width)]


def _wanted(asked: Mapping[str, Any], binary: bool) -> dict[str, bool]:
    """The outputs that are asked for, each with whether it is to be binary."""
    given = asked.get("outputs") or []
    if not isinstance(given, list):
        raise Malformed("outputs: expected a list")
    found: dict[str, bool] = {}
    for index, each in enumerate(given):
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise Malformed(f"outputs[{index}]: expected an object with a name")
        parameters = _object(each, "parameters")
        if parameters.get("classification"):
            raise Malformed(f"outputs[{index}]: the classification extension is not answered; ask for “label”")
        if "shared_memory_region" in parameters:
            raise Malformed(f"outputs[{index}]: shared memory is not written")
        found[each["name"]] = bool(parameters.get("binary_data", binary))
    return found


def metadata(name: str, versions: Sequence[str], columns: Sequence[Input], classes: Sequence[Any]) -> dict[str, Any]:
    """What a model reads and answers, as the protocol says it. A size of -1 is any number of rows."""
    inputs = [{"name": column.name, "datatype": DATATYPES[column.type], "shape": [-1]} for column in columns]
    outputs: list[dict[str, Any]] = [{"name": "value", "datatype": "FP64", "shape": [-1]}]
    if classes:
        outputs = [
            {"name": "label", "datatype": _label_type(classes), "shape": [-1]},
            {"name": "probabilities", "datatype": "FP64", "shape": [-1, len(classes)]},
        ]
    return {"name": name, "versions": list(versions), "platform": "atrium", "inputs": inputs, "outputs": outputs}


def _label_type(classes: Sequence[Any]) -> str:
    kinds = {type(label) for label in classes}
    return {frozenset({bool}): "BOOL", frozenset({int}): "INT64"}.get(frozenset(kinds), "BYTES")


def write(
    request: Request,
    answers: Sequence[Mapping[str, Any]],
    classes: Sequence[Any],
    *,
    name: str,
    version: str,
    parameters: Mapping[str, Any],
) -> Reply:
    """The reply to a request, from the answers to its instances. Raises Malformed for an output that there is not."""
    there = _outputs(answers, classes)
    unknown = [wanted for wanted in request.outputs if wanted not in there]
    if unknown:
        raise Malformed(f"outputs: {unknown[0][:80]!r} is unknown; this model answers {', '.join(there)}")
    told, parts = [], []
    for output, binary in (request.outputs or dict.fromkeys(there, request.binary)).items():
        datatype, shape, values = there[output]
        entry: dict[str, Any] = {"name": output, "datatype": datatype, "shape": shape}
        if binary:
            parts.append(_packed(datatype, values))
            entry["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            entry["data"] = values.reshape(-1).tolist() if isinstance(values, np.ndarray) else values
        told.append(entry)
    head: dict[str, Any] = {"model_name": name, "model_version": version, "outputs": told, "parameters": parameters}
    if request.id is not None:
        head["id"] = request.id
    text = orjson.dumps(head)
    return Reply(b"".join([text, *parts]), len(text) if parts else None)


Output = tuple[str, list[int], Any]


def _outputs(answers: Sequence[Mapping[str, Any]], classes: Sequence[Any]) -> dict[str, Output]:
    """Each output by name: datatype, shape, values. What has no tensor of its own is JSON text, a BYTES element a row."""
    rows, found = len(answers), dict[str, Output]()
    if classes:
        labels = [answer["label"] for answer in answers]
        datatype = _label_type(classes)
        found["label"] = datatype, [rows], [str(label) for label in labels] if datatype == "BYTES" else labels
        flat = chain.from_iterable(answer["probabilities"].values() for answer in answers)
        shares = np.fromiter(flat, np.float64, rows * len(classes)).reshape(rows, len(classes))
        found["probabilities"] = "FP64", list(shares.shape), shares
    else:
        found["value"] = "FP64", [rows], np.array([answer["value"] for answer in answers])
    further = [name for name in dict.fromkeys(chain.from_iterable(answers)) if name != "value" and name not in found]
    for name in further:
        found[name] = "BYTES", [rows], [orjson.dumps(answer.get(name)).decode() for answer in answers]
    return found


def _packed(datatype: str, values: Any) -> bytes:
    if datatype != "BYTES":
        return np.asarray(values).astype(TYPES[datatype]).tobytes()
    texts = [text.encode() for text in values]
    return b"".join(part for text in texts for part in (struct.pack("<I", len(text)), text))
