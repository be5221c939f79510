"""Models written as ONNX graphs: "features" (rows, d) double in, "output" double out.

Double throughout, so that a graph predicts what the trained model predicts, to rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from training.engine.family import BINARY, MULTICLASS

if TYPE_CHECKING:
    import numpy as np

OPSET, ML_OPSET, IR_VERSION = 17, 5, 8


class Graph:
    """A graph under construction: a chain of nodes, each on the last one's output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = "features"

    def second(self) -> str:
        """Give the last node a second output and return its name: the places, after TopK."""
        name = f"{self.last}_second"
        self.nodes[-1].output.append(name)
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append a node on `inputs` (the last output by default) and return the name of its output."""
        from onnx import helper

        name = f"{operator.lower()}_{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs) or [self.last], [name], name=name, domain=domain, **attributes)
        self.nodes.append(node)
        self.last = name
        return name

    def constant(self, array: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def dense(self, weight: np.ndarray, bias: np.ndarray) -> None:
        """Shape: weight (outputs, inputs), bias (outputs,)."""
        import numpy as np

        kernel = self.constant(np.ascontiguousarray(weight.T, dtype=np.float64))
        self.add("Gemm", self.last, kernel, self.constant(bias.astype(np.float64)))

    def normalise(self, gain: np.ndarray, offset: np.ndarray, epsilon: float) -> None:
        """Layer normalisation: every row on its own mean and spread. Shape: gain and offset (d,)."""
        import numpy as np

        away = self.add("Sub", self.last, self.add("ReduceMean", self.last, axes=[1]))
        variance = self.add("ReduceMean", self.add("Mul", away, away), axes=[1])
        spread = self.add("Sqrt", self.add("Add", variance, self._number(epsilon)))
        self.add("Mul", self.add("Div", away, spread), self.constant(gain.astype(np.float64)))
        self.add("Add", self.last, self.constant(offset.astype(np.float64)))

    def activate(self, name: str) -> None:
        """One of the activations that networks know, in operators that the runtime has in double precision."""
        if name in {"relu", "tanh"}:
            self.add(name.capitalize())
        elif name == "silu":
            source = self.last
            self.add("Mul", source, self.add("Sigmoid", source))
        else:
            getattr(self, f"_{name}")()

    def _number(self, value: float) -> str:
        import numpy as np

        return self.constant(np.array(value))

    def _leaky_relu(self) -> None:
        x = self.last
        self.add("Max", x, self.add("Mul", x, self._number(0.01)))

    def _elu(self, scale: float = 1.0, alpha: float = 1.0) -> None:
        x = self.last
        below = self.add("Sub", self.add("Exp", self.add("Min", x, self._number(0.0))), self._number(1.0))
        below = self.add("Mul", below, self._number(scale * alpha))
        above = self.add("Mul", self.add("Relu", x), self._number(scale))
        self.add("Add", above, below)

    def _selu(self) -> None:
        self._elu(1.0507009873554805, 1.6732632423543772)

    def _mish(self) -> None:
        """x tanh(log(1 + eˣ)), the logarithm taken where it does not overflow."""
        x = self.last
        small = self.add("Exp", self.add("Neg", self.add("Abs", x)))
        soft = self.add("Log", self.add("Add", small, self._number(1.0)))
        soft = self.add("Add", self.add("Relu", x), soft)
        self.add("Mul", x, self.add("Tanh", soft))

    def _gelu(self) -> None:
        """In its tanh form: the runtime has no error function in double."""
        x = self.last
        cube = self.add("Mul", self.add("Mul", x, x), x)
        inner = self.add("Add", x, self.add("Mul", cube, self._number(0.044715)))
        curve = self.add("Tanh", self.add("Mul", inner, self._number((2.0 / math.pi) ** 0.5)))
        half = self.add("Mul", x, self._number(0.5))
        self.add("Mul", half, self.add("Add", curve, self._number(1.0)))

    def link(self, task: str) -> None:
        """From the raw output (rows, outputs) to what a model answers: (rows, 1) value or (rows, classes) chances."""
        if task == BINARY:
            self._two_sided()
        elif task == MULTICLASS:
            self.add("Softmax", self.last, axis=1)

    def finish(self, features: int, width: int) -> bytes:
        """Serialise, with the last node's (rows, width) as the answer: the same graph gives the same bytes."""
        from onnx import TensorProto, helper

        self.nodes[-1].output[0] = "output"
        source = helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["rows", features])
        answer = helper.make_tensor_value_info("output", TensorProto.DOUBLE, ["rows", width])
        graph = helper.make_graph(self.nodes, "model", [source], [answer], self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="atrium")
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _two_sided(self) -> None:
        source = self.last
        yes = self.add("Sigmoid", source)
        no = self.add("Sigmoid", self.add("Neg", source))
        self.add("Concat", no, yes, axis=1)
