"""Bodies of the Open Inference Protocol, read and written as its text says: byte by byte, with no client's help."""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.runtime import oip
from serving.runtime.inputs import Input
from serving.runtime.oip import Malformed, deflate, inflate, metadata, read, write

COLUMNS = (
    Input("age", "integer", required=True),
    Input("income", "number"),
    Input("member", "boolean"),
    Input("city", "text"),
    Input("since", "date"),
)
NUMBERS = (Input("a", "number"), Input("b", "integer"))
CLASSES = ("bad", "good")
ANSWERS = [
    {"label": "good", "probabilities": {"bad": 0.25, "good": 0.75}},
    {"label": "bad", "probabilities": {"bad": 0.875, "good": 0.125}},
]


def tensor(name: str, datatype: str, shape: list[int], **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, **more}


def binary(name: str, datatype: str, shape: list[int], content: bytes) -> tuple[dict[str, Any], bytes]:
    return tensor(name, datatype, shape, parameters={"binary_data_size": len(content)}), content


def body(*parts: tuple[dict[str, Any], bytes], **more: Any) -> tuple[bytes, str]:
    head = orjson.dumps({"inputs": [entry for entry, _content in parts], **more})
    return head + b"".join(content for _entry, content in parts), str(len(head))


def ask(*tensors: dict[str, Any], **more: Any) -> bytes:
    return orjson.dumps({"inputs": list(tensors), **more})


def test_json_tensors_become_rows() -> None:
    asked = ask(
        tensor("age", "INT64", [2], data=[41, 30]),
        tensor("income", "FP64", [2, 1], data=[[1.5], [None]]),
        tensor("member", "BOOL", [2], data=[True, None]),
        tensor("city", "BYTES", [2], data=["Lyon", "Nîmes"]),
        tensor("since", "BYTES", [2], data=["2024-05-31", ""]),
        id="q1",
        parameters={"key": "me"},
    )
    request = read(asked, None, COLUMNS)
    assert request.instances == [
        {"age": 41, "income": 1.5, "member": True, "city": "Lyon", "since": "2024-05-31"},
        {"age": 30, "income": None, "member": None, "city": "Nîmes", "since": None},
    ]
    assert (request.id, request.parameters, request.outputs, request.binary) == ("q1", {"key": "me"}, {}, False)


def test_binary_tensors_are_little_endian() -> None:
    """The example of the extension's text, in our columns; NaN is a missing value."""
    texts = b"".join(struct.pack("<I", len(t)) + t for t in (b"Lyon", "Nîmes".encode()))
    asked, length = body(
        binary("age", "INT32", [2], struct.pack("<2i", 41, 30)),
        binary("income", "FP32", [2, 1], struct.pack("<2f", 1.5, float("nan"))),
        binary("member", "BOOL", [2], b"\x01\x00"),
        binary("city", "BYTES", [2], texts),
    )
    assert read(asked, length, COLUMNS).instances == [
        {"age": 41, "income": 1.5, "member": True, "city": "Lyon"},
        {"age": 30, "income": None, "member": False, "city": "Nîmes"},
    ]


@pytest.mark.parametrize(
    ("datatype", "code", "value"),
    [("INT8", "b", -3), ("INT16", "<h", -300), ("INT32", "<i", -70_000), ("INT64", "<q", -(2**40)), ("UINT8", "B", 200),
     ("UINT16", "<H", 60_000), ("UINT32", "<I", 2**31), ("UINT64", "<Q", 2**40), ("FP16", "<e", 1.5),
     ("FP32", "<f", 0.25), ("FP64", "<d", 1e300)],
)  # fmt: skip
def test_every_kind_of_number(datatype: str, code: str, value: float) -> None:
    asked, length = body(binary("income", datatype, [1], struct.pack(code, value)))
    assert read(asked, length, COLUMNS).instances == [{"income": value}]


def test_some_tensors_binary_and_some_not() -> None:
    asked, length = body(
        (tensor("city", "BYTES", [1], data=["Lyon"]), b""), binary("age", "INT64", [1], struct.pack("<q", 5))
    )
    assert read(asked, length, COLUMNS).instances == [{"city": "Lyon", "age": 5}]


def test_one_matrix_for_a_model_of_numbers() -> None:
    asked, length = body(binary("input", "FP32", [2, 2], struct.pack("<4f", 1, 2, 3, 4)))
    assert read(asked, length, NUMBERS).instances == [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]
    nested = ask(tensor("input", "FP64", [2, 2], data=[[1, 2], [3, 4]]))
    assert read(nested, None, NUMBERS).instances == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    with pytest.raises(Malformed, match="'member', no number"):
        read(asked, length, COLUMNS)
    with pytest.raises(Malformed, match=r"rows, 2"):
        read(ask(tensor("input", "FP64", [4], data=[1, 2, 3, 4])), None, NUMBERS)


ONE = tensor("age", "INT64", [1], data=[1])


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (b"", "cannot be read"),
        (b"[]", "not an object"),
        (ask(tensor("city", "BYTES", [1], data=["a\0"])), "NUL"),
        (b"{}", "inputs: expected a list"),
        (ask(), "inputs: expected a list"),
        (ask({"name": 3}), r"inputs\[0\]"),
        (ask(ONE, ONE), "given twice"),
        (ask(tensor("age", "BF16", [1], data=[1])), "known are BYTES"),
        (ask(tensor("age", "INT64", [], data=[])), "expected a shape"),
        (ask(tensor("age", "INT64", [-1], data=[])), "expected a shape"),
        (ask(tensor("age", "INT64", [True], data=[1])), "expected a shape"),
        (ask(tensor("age", "INT64", [2], data=[1])), "1 values for the shape"),
        (ask(tensor("age", "INT64", [0], data=[])), "got 0 rows"),
        (ask(tensor("age", "INT64", [10_001], data=[1] * 10_001)), "got 10001 rows"),
        (ask(tensor("age", "INT64", [1])), "expected data"),
        (ask(tensor("agee", "INT64", [1], data=[1])), "unknown; this model reads age"),
        (ask(tensor("age", "BYTES", [1], data=["1"])), "got BYTES for a column of type integer"),
        (ask(tensor("city", "INT64", [1], data=[1])), "it takes BYTES"),
        (ask(ONE, tensor("income", "FP64", [2], data=[1, 2])), r"expected \[1\] or \[1, 1\]"),
        (ask(ONE, id=7), "id: expected text"),
        (ask(ONE, parameters=[]), "parameters: expected an object"),
        (ask(ONE, outputs=[{"name": "label", "parameters": {"classification": 2}}]), "classification"),
        (ask(ONE, outputs={}), None),
        (ask(ONE, outputs=["label"]), r"outputs\[0\]"),
        (ask(tensor("age", "INT64", [1], parameters={"binary_data_size": 8})), "0 bytes are left"),
        (ask(tensor("age", "INT64", [1], parameters={"shared_memory_region": "x"})), "shared memory"),
    ],
)
def test_what_is_not_of_the_protocol_is_refused(asked: bytes, says: str | None) -> None:
    if says is None:
        assert read(asked, None, COLUMNS).outputs == {}
        return
    with pytest.raises(Malformed, match=says) as refused:
        read(asked, None, COLUMNS)
    assert refused.value.status == 400


@pytest.mark.parametrize("stated", ["0", "-1", "9999", "ten", "", "1_0", "٣", "9" * 400])
def test_a_length_that_cannot_be_is_refused(stated: str) -> None:
    with pytest.raises(Malformed, match="Inference-Header-Content-Length"):
        read(ask(ONE), stated, COLUMNS)


def test_a_stale_length_is_refused() -> None:
    asked, length = body(binary("age", "INT64", [1], struct.pack("<q", 5)))
    for wrong in (int(length) - 1, int(length) + 1):
        with pytest.raises(Malformed, match="Inference-Header-Content-Length"):
            read(asked, str(wrong), COLUMNS)
    with pytest.raises(Malformed, match="3 bytes follow the last tensor"):
        read(asked + b"abc", length, COLUMNS)


@pytest.mark.parametrize(
    ("datatype", "shape", "content", "says"),
    [
        ("INT64", [2], b"\0" * 8, "take 16 bytes"),
        ("BOOL", [1], b"\x02", "0 or 1"),
        ("BYTES", [1], b"\x05\0\0\0ab", "longer than what is left"),
        ("BYTES", [1], b"\xff\xff\xff\xff", "longer than what is left"),
        ("BYTES", [2], b"\x01\0\0\0a", "holds 1 elements"),
        ("BYTES", [1], b"\x01\0\0\0ab", "1 bytes follow"),
        ("BYTES", [1], b"\x01\0\0\0\xff", "UTF-8"),
        ("BYTES", [1], b"\x01\0\0\0\0", "NUL"),
        ("BYTES", [2**31 - 1, 2**31 - 1], b"", "holds 0 elements"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(datatype: str, shape: list[int], content: bytes, says: str) -> None:
    asked, length = body(binary("city", datatype, shape, content))
    with pytest.raises(Malformed, match=says):
        read(asked, length, COLUMNS)


@given(st.binary(max_size=200), st.integers(0, 220).map(str) | st.none() | st.text(max_size=5))
def test_no_body_does_more_than_be_refused(asked: bytes, length: str | None) -> None:
    with pytest.raises(Malformed):
        read(asked, length, COLUMNS)


def test_answers_as_json() -> None:
    request = read(ask(ONE, id="q1"), None, COLUMNS)
    reply = write(request, ANSWERS, CLASSES, name="risk", version="3", parameters={"request_id": "r"})
    assert reply.header_length is None
    assert orjson.loads(reply.body) == {
        "model_name": "risk",
        "model_version": "3",
        "id": "q1",
        "parameters": {"request_id": "r"},
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["good", "bad"]},
            {"name": "probabilities", "datatype": "FP64", "shape": [2, 2], "data": [0.25, 0.75, 0.875, 0.125]},
        ],
    }


def test_answers_as_bytes() -> None:
    outputs = [{"name": "probabilities", "parameters": {"binary_data": True}}, {"name": "label"}]
    request = read(ask(ONE, outputs=outputs, parameters={"binary_data_output": True}), None, COLUMNS)
    reply = write(request, ANSWERS, CLASSES, name="risk", version="3", parameters={})
    assert reply.header_length is not None
    head, rest = orjson.loads(reply.body[: reply.header_length]), reply.body[reply.header_length :]
    assert [entry["name"] for entry in head["outputs"]] == ["probabilities", "label"]
    sizes = [entry["parameters"]["binary_data_size"] for entry in head["outputs"]]
    assert struct.unpack("<4d", rest[: sizes[0]]) == (0.25, 0.75, 0.875, 0.125)
    assert rest[sizes[0] :] == b"\x04\0\0\0good\x03\0\0\0bad" and sum(sizes) == len(rest)


def test_values_and_what_a_deployment_adds() -> None:
    request = read(ask(ONE), None, COLUMNS)
    answers = [{"value": 1.5, "interval": [1.0, 2.0]}]
    told = orjson.loads(write(request, answers, (), name="n", version="1", parameters={}).body)["outputs"]
    assert told == [
        {"name": "value", "datatype": "FP64", "shape": [1], "data": [1.5]},
        {"name": "interval", "datatype": "BYTES", "shape": [1], "data": ["[1.0,2.0]"]},
    ]


@pytest.mark.parametrize(("classes", "kind"), [((1, 2), "INT64"), ((False, True), "BOOL"), (("a", "b"), "BYTES")])
def test_labels_keep_their_kind(classes: tuple[Any, ...], kind: str) -> None:
    outputs = metadata("m", ["1"], COLUMNS, classes)["outputs"]
    assert (outputs[0]["datatype"], outputs[1]["shape"]) == (kind, [-1, 2])
    request = read(ask(ONE), None, COLUMNS)
    answers = [{"label": classes[1], "probabilities": {str(c): 0.5 for c in classes}}]
    [label, _shares] = orjson.loads(write(request, answers, classes, name="m", version="1", parameters={}).body)[
        "outputs"
    ]
    assert label["data"] == [classes[1]] and label["datatype"] == kind


def test_an_output_that_there_is_not() -> None:
    request = read(ask(ONE, outputs=[{"name": "score"}]), None, COLUMNS)
    with pytest.raises(Malformed, match="this model answers label, probabilities"):
        write(request, ANSWERS, CLASSES, name="m", version="1", parameters={})


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("", bytes)])
def test_packed_bodies(encoding: str, pack: Any) -> None:
    assert inflate(pack(b"x" * 5000), encoding, 5000) == b"x" * 5000
    if encoding:
        with pytest.raises(Malformed) as refused:
            inflate(pack(b"x" * 5001), encoding, 5000)
        assert refused.value.status == 413
        with pytest.raises(Malformed, match="too early"):
            inflate(pack(b"x" * 5000)[:-2], encoding, 5000)


def test_a_bomb_is_not_unfolded() -> None:
    """A gigabyte of zeros in a megabyte: no more than the limit is ever in memory."""
    bomb = zlib.compressobj(9)
    packed = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(1024)) + bomb.flush()
    with pytest.raises(Malformed, match="unfolds to more than 16 MB"):
        inflate(packed, "deflate", 16 << 20)


def test_other_encodings_are_named() -> None:
    with pytest.raises(Malformed, match="gzip and deflate are read"):
        inflate(b"x", "br", 10)
    with pytest.raises(Malformed, match="not gzip"):
        inflate(b"xxxx", "gzip", 10)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, deflate", "gzip"), ("deflate", "deflate"), ("gzip;q=0, deflate;q=0.5", "deflate"), ("br", ""), ("", "")],
)
def test_replies_are_packed_as_the_client_likes(accepted: str, encoding: str) -> None:
    packed, said = deflate(b"x" * 5000, accepted)
    assert said == encoding and inflate(packed, said, 5000) == b"x" * 5000
    assert deflate(b"short", accepted) == (b"short", "")


def test_nothing_is_lost_on_the_way() -> None:
    """What `write` packs, `read` would unpack: texts of any language, numbers to the last bit."""
    texts = ["", "Zürich", "東京", "a\nb"]
    asked, length = body(binary("city", "BYTES", [4], oip._packed("BYTES", texts)))
    assert [row["city"] for row in read(asked, length, COLUMNS).instances] == texts
