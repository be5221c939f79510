"""A model that answers: load, decode, predict, encode. Needs numpy and ONNX Runtime, nothing else that is heavy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from datasets.recipes.errors import RecipeError
from datasets.recipes.fitted import FittedRecipe
from serving.runtime import artifact as artifacts
from serving.runtime import models
from serving.runtime.faults import ArtifactRefused, Fault, InstanceErrors
from serving.runtime.inputs import Input, Inputs, _

UNPREPARED = _("the preparation cannot read this row: %(reason)s")
NOT_FINITE = _("the answer is not a finite number; the values are too large for this model")


class Predictor:
    """One artifact, ready to answer. Immutable, so that threads share it.

    `inputs` are the columns that it reads, in order; `classes` the labels and `labels` the same as text, the keys of
    `probabilities`; both are empty for regression.
    """

    def __init__(self, artifact: artifacts.Artifact) -> None:
        manifest = artifact.manifest
        self.manifest: Mapping[str, Any] = manifest
        self.task: str = manifest["task"]
        self.target: str = manifest.get("target", "")
        self.inputs: tuple[Input, ...] = tuple(Input.from_json(item) for item in manifest["inputs"])
        self.classes: tuple[Any, ...] = tuple(manifest.get("classes") or ())
        self.labels: tuple[str, ...] = tuple(key_of(label) for label in self.classes)
        self._read = Inputs(self.inputs).read
        self._row = _recipe(artifact.files["recipe.json"]).row()
        self._pick = _picker(manifest["features"])
        self._compute = models.load(artifact)
        self.encode = self._values if self.task == "regression" else self._labels

    @classmethod
    def load(cls, folder: Path) -> Predictor:
        """Load the artifact of a local folder. Raises ArtifactRefused for one that was changed or is incomplete."""
        return cls.read(artifacts.from_folder(Path(folder)))

    @classmethod
    def read(cls, reader: artifacts.Reader) -> Predictor:
        """Load an artifact through a function from a file's name to its content, wherever it is stored."""
        checked = artifacts.read(reader)
        try:
            return cls(checked)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise ArtifactRefused("artifact_unreadable", f"The artifact cannot be read: {error!r}.") from error

    def predict(self, instances: Sequence[Any]) -> list[dict[str, Any]]:
        """Answer each instance with {"value"}, or {"label", "probabilities": {label: p}}.

        Raises InstanceErrors that names every value that the model cannot read.
        """
        if not instances:
            return []
        output = self.compute(self.prepare(instances)[1])
        wrong = self.not_finite(output)
        if wrong is not None:
            raise wrong
        return self.encode(output)

    def prepare(self, instances: Sequence[Any]) -> tuple[list[dict[str, Any]], np.ndarray]:
        """The instances' validated rows, and the model's inputs: (rows, features) float64, where a value that the
        recipe leaves missing is NaN. Raises InstanceErrors."""
        rows = self._read(instances)
        try:
            return rows, np.array([self._pick(self._row(row)) for row in rows], dtype=np.float64)
        except (ArithmeticError, ValueError, TypeError):
            raise InstanceErrors(self._unprepared(rows)) from None

    def compute(self, matrix: np.ndarray) -> np.ndarray:
        """The model's output, (rows, 1) values or (rows, classes) probabilities; it may hold what is not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._compute(matrix)

    def not_finite(self, output: np.ndarray) -> InstanceErrors | None:
        """What is wrong with an output that no JSON number can tell, if anything."""
        if np.isfinite(output).all():
            return None
        bad = np.flatnonzero(~np.isfinite(output).all(axis=1))[: InstanceErrors.LIMIT]
        return InstanceErrors([Fault(f"instances[{i}]", NOT_FINITE) for i in bad])

    def _unprepared(self, rows: list[dict[str, Any]]) -> list[Fault]:
        faults = []
        for index, row in enumerate(rows):
            try:
                np.array(self._pick(self._row(row)), dtype=np.float64)
            except (ArithmeticError, ValueError, TypeError) as error:
                faults.append(Fault(f"instances[{index}]", UNPREPARED, {"reason": str(error)[:200]}))
        return faults[: InstanceErrors.LIMIT]

    def _values(self, output: np.ndarray) -> list[dict[str, Any]]:
        return [{"value": value} for value in output[:, 0].tolist()]

    def _labels(self, output: np.ndarray) -> list[dict[str, Any]]:
        classes, keys = self.classes, self.labels
        best = output.argmax(axis=1).tolist()
        return [
            {"label": classes[position], "probabilities": dict(zip(keys, shares, strict=True))}
            for position, shares in zip(best, output.tolist(), strict=True)
        ]


def key_of(label: Any) -> str:
    """A label as a key of `probabilities`: as JSON would write it, without quotes."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _recipe(content: bytes) -> FittedRecipe:
    try:
        return FittedRecipe.from_json(json.loads(content))
    except (RecipeError, ValueError) as error:
        raise ArtifactRefused("artifact_unreadable", f"recipe.json cannot be read: {error}") from None


def _picker(features: Sequence[str]) -> Callable[[dict[str, Any]], Sequence[Any]]:
    """The features of a prepared row, in the model's order."""
    if len(features) == 1:
        only = features[0]
        return lambda row: (row[only],)
    return itemgetter(*features)
