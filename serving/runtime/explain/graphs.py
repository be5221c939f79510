"""What an ONNX file holds, read without the onnx package: nodes, their attributes, and constants.

Protocol buffers' wire format is a sequence of (field number, wire type, value); of the few messages that a graph is made
of, the few fields that matter here are read. https://protobuf.dev/programming-guides/encoding/, onnx/onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_KINDS = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}


@dataclass(frozen=True)
class Node:
    """One operator. `attributes` holds numbers, arrays, and bytes for texts."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """Nodes in their order, and the constants by name."""

    nodes: tuple[Node, ...]
    constants: dict[str, np.ndarray]


def read(content: bytes) -> Graph:
    """Read a serialised model. Raises ValueError for what is none."""
    try:
        graph = next(value for field, value in _fields(memoryview(content)) if field == 7)
        parts = list(_fields(graph))
        nodes = tuple(_node(value) for field, value in parts if field == 1)
        constants = dict(_tensor(value) for field, value in parts if field == 5)
    except (StopIteration, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"this is not an ONNX graph that can be read: {error!r}") from None
    return Graph(nodes, constants)


def _fields(data: memoryview) -> Iterator[tuple[int, Any]]:
    """Each field's number and value: an integer, or the bytes of anything else; integers in a row as one array."""
    at = 0
    while at < len(data):
        start = at
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            number, at = _varint(data, at)
            if at < len(data) and data[at] == data[start] < 128:
                numbers, at = _run(data, start)
                yield key >> 3, numbers
            else:
                yield key >> 3, number
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in {_EIGHT, _FOUR}:
            size = 8 if kind == _EIGHT else 4
        else:
            raise ValueError(f"wire type {kind} is not known")
        yield key >> 3, data[at : at + size]
        at += size


def _run(data: memoryview, at: int) -> tuple[np.ndarray, int]:
    """Integers of one field that follow each other, and where they end: trees have hundreds of thousands of them."""
    found, ends = _integers_of(data[at:])
    same = found[::2] == data[at]
    count = len(same) if same.all() else int(same.argmin())
    count = min(count, len(found) // 2)
    return found[1 : 2 * count : 2], at + int(ends[2 * count - 1]) + 1


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7


def _node(data: memoryview) -> Node:
    parts = list(_fields(data))
    operator = next(_text(value) for field, value in parts if field == 4)
    inputs = tuple(_text(value) for field, value in parts if field == 1)
    outputs = tuple(_text(value) for field, value in parts if field == 2)
    return Node(operator, inputs, outputs, dict(_attribute(value) for field, value in parts if field == 5))


def _attribute(data: memoryview) -> tuple[str, Any]:
    name: str = ""
    value: Any = None
    for field, found in _fields(data):
        if field == 1:
            name = _text(found)
        elif field == 2:
            value = float(np.frombuffer(found, np.float32)[0])
        elif field == 3:
            value = _signed(found)
        elif field == 4:
            value = bytes(found)
        elif field == 5:
            value = _tensor(found)[1]
        elif field == 8:
            value = _integers(found)
    return name, value


def _integers(found: Any) -> np.ndarray:
    """One integer, several in a row, or many packed together."""
    if isinstance(found, np.ndarray):
        return found
    return np.array([_signed(found)]) if isinstance(found, int) else _integers_of(found)[0]


def _integers_of(data: memoryview) -> tuple[np.ndarray, np.ndarray]:
    """Variable-length integers, all at once: a byte below 128 ends each. Shape: (numbers,) int64, (numbers,) last bytes."""
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < 128)
    if not len(ends):
        return np.zeros(0, np.int64), ends
    raw = raw[: ends[-1] + 1]
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(raw)) - np.repeat(starts, ends - starts + 1)
    pieces = (raw & 127).astype(np.uint64) << (7 * np.minimum(place, 9)).astype(np.uint64)
    return np.bitwise_or.reduceat(pieces, starts).view(np.int64), ends


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _tensor(data: memoryview) -> tuple[str, np.ndarray]:
    """A constant with its numbers as raw bytes, as numpy_helper writes them."""
    name, shape, kind, raw = "", [], 1, memoryview(b"")
    for field, found in _fields(data):
        if field == 1:
            shape += _integers(found).tolist()
        elif field == 2:
            kind = found
        elif field == 8:
            name = _text(found)
        elif field == 9:
            raw = found
    return name, np.frombuffer(raw, _KINDS[kind]).reshape(shape)


def _text(data: memoryview) -> str:
    return bytes(data).decode()
