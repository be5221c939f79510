"""Numbers in, numbers out: linear models in float64 numpy, everything else by ONNX Runtime.

Shape: X (rows, features) float64 to (rows, 1) values or (rows, classes) probabilities.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from serving.runtime.artifact import Artifact
from serving.runtime.faults import ArtifactRefused

Compute = Callable[[np.ndarray], np.ndarray]


def load(artifact: Artifact) -> Compute:
    """Return the function that computes the model's output."""
    model, task = artifact.manifest["model"], artifact.manifest["task"]
    content = artifact.files[model["file"]]
    if model["kind"] == "linear":
        return linear(content, task)
    if model["kind"] == "onnx":
        return onnx(content)
    raise ArtifactRefused("artifact_unreadable", f"The model's kind is {model['kind']!r}; linear and onnx are served.")


def linear(content: bytes, task: str) -> Compute:
    """Folded float64: exact where float32 would answer 0.0 for a probability of 1e-9."""
    weights = tensors(content)
    coef, intercept = np.ascontiguousarray(weights["coef"].T), weights["intercept"]
    finish = {"regression": _value, "binary": _two_sided, "multiclass": _softmax}[task]

    def compute(X: np.ndarray) -> np.ndarray:  # noqa: N803 -- a matrix
        return finish(X @ coef + intercept)

    return compute


def _value(z: np.ndarray) -> np.ndarray:
    return z


def _two_sided(z: np.ndarray) -> np.ndarray:
    """1/(1+e^z) and 1/(1+e^−z), each computed on the side where it does not overflow."""
    result: np.ndarray = np.exp(-np.logaddexp(0.0, np.concatenate([z, -z], axis=1)))
    return result


def _softmax(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    result: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return result


def onnx(content: bytes) -> Compute:
    """One thread within and between operators: one row gains nothing from more, and other requests lose."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises its own classes, none of which share a base
        raise ArtifactRefused("artifact_unreadable", f"The model graph cannot be loaded: {error}") from None
    given = session.get_inputs()[0]
    kind = np.float32 if given.type == "tensor(float)" else np.float64
    run, name, wanted = session.run, given.name, [session.get_outputs()[0].name]

    def compute(X: np.ndarray) -> np.ndarray:  # noqa: N803 -- a matrix
        output: np.ndarray = run(wanted, {name: X.astype(kind, copy=False)})[0]
        return output

    return compute


_KINDS = {"F64": np.float64, "F32": np.float32}


def tensors(content: bytes) -> dict[str, np.ndarray]:
    """Read safetensors: the length of a JSON header, the header, the numbers. The export needs no library for it."""
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    body = memoryview(content)[8 + length :]
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            found[name] = (
                np.frombuffer(body[start:end], _KINDS[entry["dtype"]]).reshape(entry["shape"]).astype(np.float64)
            )
    return found
