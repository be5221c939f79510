"""Exact interventional Shapley values of trees: no sampling, and no pass through the trees for each coalition.

Lundberg et al. 2020, From local explanations to global understanding with explainable AI for trees (interventional
TreeSHAP). A leaf is reached by a mixed row when every column on its path lets it through. Columns that only the
instance's value lets through must be in the coalition, those that only the background's does must be out of it; the
leaf's share of each follows from how many there are of both. Leaves with the same pattern are counted once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from serving.runtime.explain.game import Game, contrast
from serving.runtime.explain.graphs import Graph, Node
from serving.runtime.explain.sampled import FEWEST, spread_out

_LEQ = 0
MOST_COLUMNS = 60  # on one path: a pattern is the bits of one integer
MOST_PATTERNS = 4_000_000  # leaves × background rows that are held before they are counted


@dataclass(frozen=True)
class Forest:
    """A sum of trees in the margin of a model, and how each tree adds to it.

    Shape: nodes' arrays (nodes,), leaves' arrays (leaves,). `went` of a node or leaf: whether it is its parent's true
    side; the parent of a root is −1. `offset` (outputs,).
    """

    feature: np.ndarray
    split: np.ndarray
    missing_true: np.ndarray
    parent: np.ndarray
    went: np.ndarray
    leaf_parent: np.ndarray
    leaf_went: np.ndarray
    leaf_output: np.ndarray
    leaf_value: np.ndarray
    offset: np.ndarray

    def decisions(self, X: np.ndarray) -> np.ndarray:  # noqa: N803 -- a matrix
        """Which way each row goes at each node. Shape: (rows, features) to (rows, nodes) bool."""
        values = X[:, self.feature]
        return np.where(np.isnan(values), self.missing_true, values <= self.split)


def of_graph(graph: Graph, task: str) -> Forest | None:
    """The forest that a graph's margin is, if it is one: trees scaled, shifted and summed, and then the task's link."""
    terms: dict[str, _Margin] = {}
    last = _margin_end(graph, task)
    if last is None:
        return None
    for node in graph.nodes:
        made = _margin(node, terms, graph.constants)
        if made is not None:
            terms[node.outputs[0]] = made
        if node.outputs[0] == last:
            break
    return terms[last].forest() if last in terms and terms[last].ensembles else None


def _margin_end(graph: Graph, task: str) -> str | None:
    """The name of the margin: what the task's link, as graphs are written here, is applied to."""
    made = {name: node for node in graph.nodes for name in node.outputs}
    end = made.get("output")
    if end is None or task == "regression":
        return None if end is None else "output"
    if task == "multiclass":
        return end.inputs[0] if end.operator == "Softmax" else None
    if end.operator != "Concat" or len(end.inputs) != 2:
        return None
    no, yes = (made.get(name) for name in end.inputs)
    if not (no and yes and no.operator == yes.operator == "Sigmoid"):
        return None
    turned = made.get(no.inputs[0])
    is_link = turned is not None and turned.operator == "Neg" and turned.inputs[0] == yes.inputs[0]
    return yes.inputs[0] if is_link else None


@dataclass(frozen=True)
class _Margin:
    """A sum of tree ensembles, each scaled, and a constant. Shape: offset broadcasts to (outputs,)."""

    ensembles: tuple[tuple[Node, np.ndarray], ...]
    offset: np.ndarray

    def forest(self) -> Forest | None:
        parts = [_read(node, scale) for node, scale in self.ensembles]
        if any(part is None for part in parts):
            return None
        outputs = max(int(node.attributes["n_targets"]) for node, _scale in self.ensembles)
        return _joined([part for part in parts if part is not None], np.broadcast_to(self.offset.ravel(), outputs))


def _margin(node: Node, terms: Mapping[str, _Margin], constants: Mapping[str, np.ndarray]) -> _Margin | None:
    if node.operator == "TreeEnsemble":
        return _Margin(((node, np.ones(1)),), np.zeros(1)) if node.inputs == ("features",) else None
    known = [terms[name] for name in node.inputs if name in terms]
    fixed = [constants[name].astype(np.float64) for name in node.inputs if name in constants]
    if len(known) + len(fixed) != len(node.inputs) or any(each.ndim > 1 for each in fixed):
        return None
    if node.operator in {"Add", "Sum"}:
        ensembles = tuple(each for term in known for each in term.ensembles)
        return _Margin(ensembles, sum([term.offset for term in known] + fixed, np.zeros(1)))
    if node.operator == "Mul" and len(known) == len(fixed) == 1:
        scaled = tuple((each, scale * fixed[0]) for each, scale in known[0].ensembles)
        return _Margin(scaled, known[0].offset * fixed[0])
    return None


def _read(node: Node, scale: np.ndarray) -> Forest | None:
    """One operator's trees; None for questions other than ≤, or an aggregate other than the sum."""
    told = node.attributes
    count = len(told["nodes_featureids"])
    modes, roots = told["nodes_modes"], told["tree_roots"]
    if (modes != _LEQ).any() or told.get("aggregate_function", 1) != 1 or told.get("post_transform", 0):
        return None
    missing = told.get("nodes_missing_value_tracks_true", np.zeros(count, np.int64))
    parent, went = np.full(count, -1), np.zeros(count, bool)
    leaves = len(told["leaf_weights"])
    leaf_parent, leaf_went, leaf_alike = np.full(leaves, -1), np.zeros(leaves, bool), np.zeros(leaves, bool)
    for side, is_leaf, child in (
        (True, told["nodes_trueleafs"] == 1, told["nodes_truenodeids"]),
        (False, told["nodes_falseleafs"] == 1, told["nodes_falsenodeids"]),
    ):
        inner = np.flatnonzero(~is_leaf)
        parent[child[inner]], went[child[inner]] = inner, side
        ending = np.flatnonzero(is_leaf)
        leaf_alike[child[ending]] |= leaf_parent[child[ending]] == ending  # a tree of one leaf asks for show
        leaf_parent[child[ending]], leaf_went[child[ending]] = ending, side
    parent[roots] = -1
    output = told["leaf_targetids"]
    value = told["leaf_weights"].astype(np.float64) * np.broadcast_to(scale, int(told["n_targets"]))[output]
    leaf_parent = np.where(leaf_alike, -1, leaf_parent)
    splits = told["nodes_splits"].astype(np.float64)
    feature = told["nodes_featureids"]
    return Forest(
        feature, splits, missing == 1, parent, went, leaf_parent, leaf_went, output, value, np.zeros(1)
    )  # fmt: skip


def _joined(parts: list[Forest], offset: np.ndarray) -> Forest:
    starts = np.cumsum([0, *(len(part.feature) for part in parts)])

    def moved(name: str) -> np.ndarray:
        pairs = [(getattr(part, name), start) for part, start in zip(parts, starts, strict=False)]
        return np.concatenate([np.where(each < 0, -1, each + start) for each, start in pairs])

    def plain(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    return Forest(
        plain("feature"), plain("split"), plain("missing_true"), moved("parent"), plain("went"),
        moved("leaf_parent"), plain("leaf_went"), plain("leaf_output"), plain("leaf_value"), offset,
    )  # fmt: skip


class TooDeep(Exception):
    """A path asks about more columns than fit into a pattern."""


class Trees:
    """Exact. Built once: which background rows come through at each column of each leaf's path.

    Shape: `_start` (leaves,) and `_player` (slots,): a leaf's slots are the columns on its path; `_of`, `_pattern` and
    `_share` (patterns,): a leaf, the slots that let a part of the background through, and how large that part is.
    """

    name, is_exact = "trees", True

    def __init__(self, game: Game, forest: Forest) -> None:
        assert game.owner is not None
        self.game, self.forest = game, forest
        leaf, node, went = _paths(forest)
        slots = np.unique(np.stack([leaf, game.owner[forest.feature[node]]]), axis=1)
        order = np.lexsort([game.owner[forest.feature[node]], leaf])
        self._node, self._went = node[order], went[order]
        keys = leaf[order] * len(game.players) + game.owner[forest.feature[node]][order]
        self._first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, int)
        self._leaf, self._player = slots
        count = np.bincount(self._leaf, minlength=len(forest.leaf_value))
        if count.max(initial=0) > MOST_COLUMNS:
            raise TooDeep
        self._start = np.cumsum(count) - count
        self._bit = (np.arange(len(self._leaf)) - self._start[self._leaf]).astype(np.uint64)
        self._full = (np.uint64(1) << count.astype(np.uint64)) - np.uint64(1)
        self._joins, self._leaves = _weights(int(count.max(initial=0)))
        self._count(game.base[spread_out(len(game.base), max(FEWEST, MOST_PATTERNS // len(forest.leaf_value)))])

    def _count(self, base: np.ndarray) -> None:
        found = [self._patterns(self.forest.decisions(row[None])[0]) for row in base]
        leaves = np.tile(np.arange(len(self._full)), len(found))
        patterns = np.concatenate(found)
        order = np.lexsort([patterns, leaves])
        leaves, patterns = leaves[order], patterns[order]
        is_new = np.concatenate([[True], (leaves[1:] != leaves[:-1]) | (patterns[1:] != patterns[:-1])])
        first = np.flatnonzero(is_new)
        self._of, self._pattern = leaves[first], patterns[first]
        self._share = np.diff(np.append(first, len(leaves))) / len(base)
        whole = self._pattern == self._full[self._of]
        self.baseline = self._sum(self._of[whole], self._share[whole])

    def _patterns(self, decision: np.ndarray) -> np.ndarray:
        """Which slots of each leaf a row comes through, as bits. Shape: (nodes,) to (leaves,)."""
        patterns = np.zeros(len(self._full), np.uint64)
        if len(self._first):
            open_ = np.logical_and.reduceat(decision[self._node] == self._went, self._first)
            np.bitwise_or.at(patterns, self._leaf[open_], np.uint64(1) << self._bit[open_])
        return patterns

    def _sum(self, leaves: np.ndarray, share: np.ndarray | float) -> np.ndarray:
        """Shape: (outputs,)."""
        forest = self.forest
        values = forest.leaf_value[leaves] * share
        return forest.offset + np.bincount(forest.leaf_output[leaves], values, len(forest.offset))

    def explain(self, row: Mapping[str, Any], x: np.ndarray, of: int) -> tuple[float, float, np.ndarray, None]:
        """(baseline, answer, contributions (players,), None for their error)."""
        own = self._patterns(self.forest.decisions(x[None])[0])
        answer = self._sum(np.flatnonzero(own == self._full), 1.0)
        mine, outputs, players = own[self._of], len(self.forest.offset), len(self.game.players)
        reached = np.flatnonzero((mine | self._pattern) == self._full[self._of])
        leaf, theirs, mine = self._of[reached], self._pattern[reached], mine[reached]
        joins, leaves = mine & ~theirs, theirs & ~mine
        a, c = np.bitwise_count(joins).astype(np.int64), np.bitwise_count(leaves).astype(np.int64)
        value = self.forest.leaf_value[leaf] * self._share[reached]
        up, down = value * self._joins[a, c], value * self._leaves[a, c]
        found = np.zeros(outputs * players)
        base = self.forest.leaf_output[leaf] * players
        for bit in range(int(np.max(self._bit, initial=0)) + 1):
            for bits, gain in ((joins, up), (leaves, -down)):
                hit = np.flatnonzero((bits >> np.uint64(bit)) & np.uint64(1))
                at = base[hit] + self._player[self._start[leaf[hit]] + bit]
                found += np.bincount(at, gain[hit], len(found))
        return _of(self.baseline, of), _of(answer, of), _of(found.reshape(outputs, players).T, of), None


def _of(margins: np.ndarray, of: int) -> Any:
    """Shape: (…, outputs) to (…,): the value, the lone margin of two classes, or one class against the others."""
    if margins.shape[-1] > 1:
        return contrast(margins, of)
    return margins[..., 0]


def _paths(forest: Forest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every question on every leaf's path: the leaf, the node, and the way that leads on. Shape: (questions,) each."""
    leaf, node, went = np.arange(len(forest.leaf_value)), forest.leaf_parent, forest.leaf_went
    found = []
    while True:
        there = node >= 0
        leaf, node, went = leaf[there], node[there], went[there]
        if not len(leaf):
            break
        found.append((leaf, node, went))
        node, went = forest.parent[node], forest.went[node]
    if not found:
        none = np.zeros(0, np.int64)
        return none, none, none.astype(bool)
    leaves, nodes, ways = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return leaves, nodes, ways


def _weights(most: int) -> tuple[np.ndarray, np.ndarray]:
    """Shapley's weights of the game that is 1 where all of a columns have joined and none of c: for one of the a, of the c.

    (a − 1)! c! / (a + c)! and a! (c − 1)! / (a + c)!. Shape: (most + 1, most + 1) each.
    """
    joins, leaves = np.zeros((most + 1, most + 1)), np.zeros((most + 1, most + 1))
    for a in range(most + 1):
        for c in range(most + 1 - a):
            joins[a, c] = 1.0 / (a * comb(a + c, a)) if a else 0.0
            leaves[a, c] = 1.0 / (c * comb(a + c, c)) if c else 0.0
    return joins, leaves
