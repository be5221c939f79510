"""Why a model answered what it answered: what each raw column added to the answer, against a background of usual rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from datasets.recipes.fitted import FittedRecipe
from serving.runtime.artifact import Artifact
from serving.runtime.explain import graphs, trees
from serving.runtime.explain.additive import Linear
from serving.runtime.explain.background import Background
from serving.runtime.explain.game import LOG_ODDS, VALUE, Game
from serving.runtime.explain.sampled import Enumerated, Sampled, fits
from serving.runtime.models import tensors
from serving.runtime.predictor import Predictor

MOST_EXACT, MOST_SAMPLED = 100, 20  # instances that are explained in one request

Way = Linear | trees.Trees | Enumerated | Sampled


class Explainer:
    """Immutable once built, so that threads share it. Building takes from microseconds to about a second.

    `most` instances are explained at once: what is sampled takes thousands of answers each.
    """

    def __init__(self, predictor: Predictor, artifact: Artifact, background: Background) -> None:
        self.predictor, self.background = predictor, background
        self.game = Game(predictor, _sources(artifact), background.rows)
        self._way = _way(self.game, artifact)
        self.most = MOST_EXACT if self._way.name in {"linear", "trees"} else MOST_SAMPLED

    @property
    def method(self) -> str:
        """linear, trees, enumerated or sampled; all but the last are exact."""
        return self._way.name

    def explain(self, rows: Sequence[Mapping[str, Any]], matrix: np.ndarray) -> list[dict[str, Any]]:
        """An explanation of each instance, its strongest reasons first; what docs/explaining.md describes.

        `rows` and `matrix` are what `Predictor.prepare` made of the instances.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            classes = self._classes(matrix)
            return [self._one(row, x, of) for row, x, of in zip(rows, matrix, classes, strict=True)]

    def _classes(self, X: np.ndarray) -> list[int]:  # noqa: N803 -- a matrix
        """The class that is explained: of two always the second, of more the one that is answered."""
        if len(self.predictor.classes) <= 2:
            return [1] * len(X)
        answered: list[int] = self.predictor.compute(X).argmax(axis=1).tolist()
        return answered

    def _one(self, row: Mapping[str, Any], x: np.ndarray, of: int) -> dict[str, Any]:
        baseline, answer, found, error = self._way.explain(row, x, of)
        reasons = []
        for place in np.argsort(-np.abs(found), kind="stable").tolist():
            name = self.game.players[place]
            reason = {"column": name, "value": row.get(name), "contribution": float(found[place])}
            reasons.append(reason if error is None else {**reason, "error": float(error[place])})
        told = {"method": self._way.name, "background": self.background.kind, "baseline": baseline, "answer": answer}
        if self.predictor.classes:
            return {**told, "scale": LOG_ODDS, "label": self.predictor.classes[of], "contributions": reasons}
        return {**told, "scale": VALUE, "contributions": reasons}


def _sources(artifact: Artifact) -> list[frozenset[str]]:
    """The raw columns that each number of the model's input is made from."""
    sources = FittedRecipe.from_json(json.loads(artifact.files["recipe.json"])).layout.sources
    return [sources[name] for name in artifact.manifest["features"]]


def _way(game: Game, artifact: Artifact) -> Way:
    """The exact way where there is one."""
    if game.is_separable:
        exact = _linear(game, artifact) or _trees(game, artifact)
        if exact is not None:
            return exact
    return Enumerated(game) if fits(game) else Sampled(game)


def _linear(game: Game, artifact: Artifact) -> Linear | None:
    model = artifact.manifest["model"]
    if model["kind"] != "linear":
        return None
    weights = tensors(artifact.files[model["file"]])
    return Linear(game, weights["coef"], weights["intercept"])


def _trees(game: Game, artifact: Artifact) -> trees.Trees | None:
    model = artifact.manifest["model"]
    if model["kind"] != "onnx":
        return None
    try:
        forest = trees.of_graph(graphs.read(artifact.files[model["file"]]), artifact.manifest["task"])
        return None if forest is None else trees.Trees(game, forest)
    except (ValueError, KeyError, trees.TooDeep):
        return None  # a graph from elsewhere that holds other things; it is explained by asking it
