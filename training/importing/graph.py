"""An ONNX file of somebody else's, looked at and led into our own form: "features" (rows, d) double → "output" double,
(rows, 1) values or (rows, classes) probabilities.

Plain Python, called in a child with limits (jobs/sandbox.py): the file is never parsed or run anywhere else before it
has passed here. What may be in it is a list of operators whose outputs cannot grow beyond what goes in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

MOST_BYTES = 64 << 20
MOST_NODES, MOST_COLUMNS, MOST_CLASSES, MOST_SAMPLES = 20_000, 2_000, 1_000, 1_000
# Of single precision, which most files compute in.
RELATIVE, ABSOLUTE = 1e-4, 1e-5
DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}
# Nothing that loops, branches, draws at random, reads a file, or takes the size of its output from a value.
OPERATORS = frozenset({
    "Abs", "Acos", "Add", "And", "ArgMax", "ArgMin", "ArrayFeatureExtractor", "Asin", "Atan", "BatchNormalization",
    "Binarizer", "Cast", "CastLike", "CategoryMapper", "Ceil", "Celu", "Clip", "Concat", "Constant", "Cos", "Cosh",
    "DictVectorizer", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp", "FeatureVectorizer", "Flatten", "Floor",
    "Gather", "GatherElements", "Gelu", "Gemm", "GlobalAveragePool", "Greater", "GreaterOrEqual", "HardSigmoid",
    "HardSwish", "Hardmax", "Identity", "Imputer", "IsInf", "IsNaN", "LabelEncoder", "LayerNormalization",
    "LeakyRelu", "Less", "LessOrEqual", "LinearClassifier", "LinearRegressor", "Log", "LogSoftmax", "MatMul", "Max",
    "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Normalizer", "Not", "OneHotEncoder", "Or", "PRelu", "Pow",
    "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Round", "SVMClassifier", "SVMRegressor",
    "Scaler", "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Sinh", "Slice", "Softmax", "Softplus", "Softsign",
    "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tan", "Tanh", "ThresholdedRelu", "TopK", "Transpose", "TreeEnsemble",
    "TreeEnsembleClassifier", "TreeEnsembleRegressor", "Unsqueeze", "Where", "Xor", "ZipMap",
})  # fmt: skip
TYPES = {
    1: "number",
    11: "number",
    6: "integer",
    7: "integer",
    9: "boolean",
}  # TensorProto: float, double, int32, int64, bool
FLOATS = (1, 11)
DOUBLE = 11
FEATURES, OUTPUT = "atrium_features", "atrium_output"


class Unusable(Exception):
    """The file cannot be served. `field` is the part of the request that is to be mended."""

    def __init__(self, message: str, field: str = "file") -> None:
        super().__init__(message)
        self.field = field


def serve(question: dict[str, Any]) -> dict[str, Any]:
    """Answer in JSON what `jobs.sandbox.ask` asks: {"columns", "classes", "operators", "checked"}, or {"refused"}.

    `question`: {"source", "target": paths, "task", "inputs", "classes", "samples"}.
    """
    try:
        return convert(**question)
    except Unusable as wrong:
        return {"refused": {"field": wrong.field, "message": str(wrong)}}


def convert(
    *,
    source: str,
    target: str,
    task: str,
    inputs: Sequence[Mapping[str, Any]] | None,
    classes: Sequence[Any] | None,
    samples: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Write `source`, checked, in our form to `target`, and run it. Raises Unusable."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    content = Path(source).read_bytes()
    try:
        model = onnx.load_model_from_string(content)
        bounded(model)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise Unusable(f"this is no valid ONNX model: {str(error).strip()[:300]}") from None
    columns = columns_of(model, inputs)
    found, output = _classes(model, classes) if task != "regression" else ([], _first_float(model))
    led = _led(model, columns, output, len(found))
    Path(target).write_bytes(led.SerializeToString(deterministic=True))
    checked = _tried(target, task, columns, found, samples)
    operators = sorted({node.op_type for node in model.graph.node})
    shown = [{"name": each["name"], "type": each["type"], "required": each["required"]} for each in columns]
    return {"columns": shown, "classes": found or None, "operators": operators, "checked": checked}


def bounded(model: Any) -> None:
    """Refuse what is too much, and what could do more than arithmetic."""
    graph = model.graph
    if model.functions:
        raise Unusable("it defines functions of its own; export it without")
    if model.training_info or graph.sparse_initializer:
        raise Unusable("it holds training information or sparse tensors; export it for inference alone")
    if len(graph.node) > MOST_NODES:
        raise Unusable(f"it has {len(graph.node):,} nodes; at most {MOST_NODES:,} are taken")
    for each in model.opset_import:
        if each.domain not in DOMAINS and any(node.domain == each.domain for node in graph.node):
            raise Unusable(f"it uses operators of the domain {each.domain[:60]!r}; those of ONNX itself are run")
    for node in graph.node:
        if node.op_type not in OPERATORS or node.domain not in DOMAINS:
            raise Unusable(f"the operator {node.op_type[:60]!r} is not run here")
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                raise Unusable(f"the operator {node.op_type!r} holds a graph of its own; that is not run here")
    if any(tensor.data_location or tensor.external_data for tensor in _tensors(graph)):
        raise Unusable("its weights lie in another file; export it as one file")


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def columns_of(model: Any, named: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """The columns that the graph reads: {"name", "type", "required", "tensor", "place", "kind", "rank"}, in its order."""
    given = {tensor.name for tensor in model.graph.initializer}
    tensors = [each for each in model.graph.input if each.name not in given]
    columns = [column for each in tensors for column in _columns(each, len(tensors), named)]
    if not 1 <= len(columns) <= MOST_COLUMNS:
        raise Unusable(f"it reads {len(columns)} columns; 1 to {MOST_COLUMNS:,} are taken")
    if named is not None:
        if len(named) != len(columns):
            raise Unusable(f"the graph reads {len(columns)} columns, and {len(named)} are named", "inputs")
        for column, entry in zip(columns, named, strict=True):
            column.update({part: entry[part] for part in ("name", "type", "required") if part in entry})
    names = [column["name"] for column in columns]
    if len(set(names)) < len(names):
        raise Unusable("two columns have one name", "inputs")
    return columns


def _columns(tensor: Any, count: int, named: Sequence[Mapping[str, Any]] | None) -> Iterator[dict[str, Any]]:
    kind, dims = tensor.type.tensor_type.elem_type, tensor.type.tensor_type.shape.dim
    if kind not in TYPES:
        raise Unusable(f"the input {tensor.name[:60]!r} is no tensor of numbers or truth values; encode texts before")
    width = dims[1].dim_value if len(dims) == 2 else 1
    if len(dims) not in (1, 2) or (len(dims) == 1 and count == 1):
        raise Unusable(f"the input {tensor.name[:60]!r} has {len(dims)} dimensions; rows and columns are read")
    if len(dims) == 2 and not width:
        if named is None or count > 1:
            raise Unusable("the graph does not say how many columns it reads; name them in “inputs”", "inputs")
        width = len(named)
    shared = {"type": TYPES[kind], "required": True, "tensor": tensor.name, "kind": kind, "rank": len(dims)}
    if count == 1 and width > 1:
        yield from (
            {**shared, "name": f"x{place + 1}", "place": place} for place in range(min(width, MOST_COLUMNS + 1))
        )
    elif width == 1:
        yield {**shared, "name": tensor.name, "place": 0}
    else:
        raise Unusable(
            f"the input {tensor.name[:60]!r} has {width} columns beside other inputs; one input or one a column"
        )


def _first_float(model: Any) -> str:
    """The output with the values."""
    for each in model.graph.output:
        if each.type.tensor_type.elem_type in FLOATS:
            return str(each.name)
    raise Unusable("it has no output of floating-point numbers")


def _classes(model: Any, given: Sequence[Any] | None) -> tuple[list[Any], str]:
    """The labels in the order of the probabilities, and the tensor that holds these.

    What scikit-learn's converter puts behind them, a list of dictionaries, is passed by.
    """
    maps = [node for node in model.graph.node if node.op_type == "ZipMap"]
    output = maps[0].input[0] if maps else _first_float(model)
    labelled = [*maps, *(node for node in model.graph.node if node.op_type.endswith("Classifier"))]
    found = list(given or next((labels for node in labelled if (labels := _labels(node))), []))
    if not found:
        raise Unusable("the graph does not name its classes; give them in the order of the probabilities", "classes")
    if not 2 <= len(found) <= MOST_CLASSES or len({str(label) for label in found}) < len(found):
        raise Unusable(f"got {len(found)} classes; 2 to {MOST_CLASSES:,} different ones are taken", "classes")
    return found, output


def _labels(node: Any) -> list[Any]:
    for attribute in node.attribute:
        if attribute.name.startswith("classlabels"):
            return [text.decode() for text in attribute.strings] or list(attribute.ints)
    return []


def _led(model: Any, columns: Sequence[Mapping[str, Any]], output: str, classes: int) -> Any:
    """The graph between our input and our output."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    before: list[Any] = []
    constants = list(graph.initializer)
    tensors = list(dict.fromkeys(column["tensor"] for column in columns))
    for number, tensor in enumerate(tensors):
        kind = next(column["kind"] for column in columns if column["tensor"] == tensor)
        picked = FEATURES
        if len(tensors) > 1:
            rank, picked = next(c["rank"] for c in columns if c["tensor"] == tensor), f"atrium_column_{number}"
            index = _numbers([number], "int64")
            constants.append(
                numpy_helper.from_array(index if rank == 2 else index.reshape(()), f"atrium_place_{number}")
            )
            before.append(helper.make_node("Gather", [FEATURES, f"atrium_place_{number}"], [picked], axis=1))
        before.append(helper.make_node("Cast", [picked], [tensor], to=kind))
    constants.append(numpy_helper.from_array(_numbers([-1, 1], "int64"), "atrium_shape"))
    last, after = "atrium_double", [helper.make_node("Cast", [output], ["atrium_double"], to=TensorProto.DOUBLE)]
    if not classes:
        last = "atrium_values"
        after.append(helper.make_node("Reshape", ["atrium_double", "atrium_shape"], [last]))
    elif classes == 2 and _width(graph, output) in (0, 1):
        # A network with one output says the second class's probability alone.
        constants.append(numpy_helper.from_array(_numbers([1.0], "float64"), "atrium_one"))
        last = "atrium_both"
        after += [
            helper.make_node("Reshape", ["atrium_double", "atrium_shape"], ["atrium_second"]),
            helper.make_node("Sub", ["atrium_one", "atrium_second"], ["atrium_first"]),
            helper.make_node("Concat", ["atrium_first", "atrium_second"], [last], axis=1),
        ]
    after.append(helper.make_node("Identity", [last], [OUTPUT]))
    nodes = [*before, *(node for node in graph.node if node.op_type != "ZipMap"), *after]
    features = helper.make_tensor_value_info(FEATURES, TensorProto.DOUBLE, [None, len(columns)])
    answer = helper.make_tensor_value_info(OUTPUT, TensorProto.DOUBLE, [None, max(classes, 1)])
    made = helper.make_graph(nodes, "imported", [features], [answer], constants)
    opsets = [each for each in model.opset_import if each.domain in DOMAINS]
    found: Any = helper.make_model(made, opset_imports=opsets, ir_version=model.ir_version, producer_name="atrium")
    onnx.checker.check_model(found)
    return found


def _width(graph: Any, name: str) -> int | None:
    """The second size of an output, 0 for one of a single dimension; None where the graph does not say."""
    for each in graph.output:
        if each.name == name and each.type.tensor_type.HasField("shape"):
            dims = each.type.tensor_type.shape.dim
            return 0 if len(dims) == 1 else int(dims[1].dim_value) or None
    return None


def _numbers(values: list[Any], kind: str) -> Any:
    import numpy as np

    return np.array(values, dtype=kind)


def _tried(
    path: str,
    task: str,
    columns: Sequence[Mapping[str, Any]],
    classes: Sequence[Any],
    samples: Mapping[str, Any] | None,
) -> int:
    """Run the file on rows of zeros and of ones, and on the samples if there are any; returns how many were compared."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

        def run(rows: Any) -> Any:
            return session.run([OUTPUT], {FEATURES: rows})[0]

        for count in (1, 3):
            _shaped(run(np.ones((count, len(columns)))), count, classes)
            _shaped(run(np.zeros((count, len(columns)))), count, classes)
        return _compared(run, task, columns, classes, samples) if samples is not None else 0
    except Unusable:
        raise
    except Exception as error:  # the runtime raises its own classes, none of which share a base
        raise Unusable(f"it cannot be run: {str(error).strip()[:300]}") from None


def _shaped(output: Any, count: int, classes: Sequence[Any]) -> None:
    import numpy as np

    if output.shape != (count, max(len(classes), 1)):
        wanted = f"({count}, {max(len(classes), 1)})"
        raise Unusable(f"it answers {count} rows with the shape {output.shape}; expected {wanted}: rows and classes")
    if classes and not (
        np.isfinite(output).all() and (output >= -1e-6).all() and np.allclose(output.sum(1), 1, atol=1e-3)
    ):
        raise Unusable(
            "its output holds no probabilities: they would be positive and sum to 1. Export it with its softmax"
        )


def _compared(
    run: Any, task: str, columns: Sequence[Mapping[str, Any]], classes: Sequence[Any], samples: Mapping[str, Any]
) -> int:
    import numpy as np

    rows, expected = samples.get("instances"), samples.get("expected")
    if not isinstance(rows, list) or not isinstance(expected, list) or not 1 <= len(rows) <= MOST_SAMPLES:
        raise Unusable(f'expected {{"instances": […], "expected": […]}} of 1 to {MOST_SAMPLES:,} rows', "samples")
    if len(rows) != len(expected):
        raise Unusable(f"got {len(rows)} instances and {len(expected)} expected answers", "samples")
    try:
        matrix = np.array([[_cell(row.get(c["name"])) for c in columns] for row in rows], dtype=np.float64)
    except (AttributeError, TypeError, ValueError):
        names = ", ".join(str(column["name"]) for column in columns[:20])
        raise Unusable(
            f"an instance is an object of column names and numbers; columns are {names}", "samples"
        ) from None
    for place, (told, wanted) in enumerate(zip(run(matrix).tolist(), expected, strict=True)):
        if not _agrees(told, wanted, task, classes):
            raise Unusable(
                f"row {place}: expected {str(wanted)[:80]}, and the file answers {str(told)[:80]}", "samples"
            )
    return len(rows)


def _cell(value: Any) -> float:
    return math.nan if value is None else float(value)


def _agrees(told: list[float], wanted: Any, task: str, classes: Sequence[Any]) -> bool:
    """Whether an answer is what was expected: a number; a label; or the probabilities in the order of the classes."""
    if task == "regression":
        return isinstance(wanted, int | float) and _near(told[0], wanted)
    if isinstance(wanted, list):
        return len(wanted) == len(told) and all(map(_near, told, wanted))
    return bool(classes[max(range(len(told)), key=told.__getitem__)] == wanted)


def _near(told: float, wanted: float) -> bool:
    return math.isclose(told, wanted, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
