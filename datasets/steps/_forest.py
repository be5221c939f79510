"""An isolation forest as plain lists (Liu, Ting and Zhou, 2008): rows that random cuts set apart early are unusual.

The scores are those of scikit-learn's IsolationForest for the same trees; its values are 32-bit floats, as there.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Tree = dict[str, list[Any]]
LEAF = -1
LARGEST = 3.0e38  # within 32-bit floats
BLOCK = 8_192  # rows that walk together
EULER = 0.5772156649015329


def path_length(rows: int) -> float:
    """The mean number of cuts that set a row apart among so many."""
    if rows < 2:
        return 0.0
    return 1.0 if rows == 2 else 2.0 * (math.log(rows - 1.0) + EULER) - 2.0 * (rows - 1.0) / rows


def grow(x: np.ndarray, trees: int, sample: int, seed: int) -> list[Tree]:
    """Grow trees, each on a random sample of the rows, until the usual depth."""
    import numpy as np

    random = np.random.default_rng(seed)
    size = min(sample, len(x))
    depth = math.ceil(math.log2(max(size, 2)))
    return [_tree(x[random.choice(len(x), size, replace=False)], depth, random) for _ in range(trees)]


def _tree(x: np.ndarray, depth: int, random: np.random.Generator) -> Tree:
    """Node 0 is the root; `length` is the number of cuts to a leaf and what its rows would still need."""
    tree: Tree = {"column": [], "threshold": [], "left": [], "right": [], "length": []}
    _grow(tree, x, 0, depth, random)
    return tree


def _grow(tree: Tree, x: np.ndarray, level: int, depth: int, random: np.random.Generator) -> int:
    place = len(tree["column"])
    for values, start in zip(tree.values(), (LEAF, 0.0, LEAF, LEAF, 0.0), strict=True):
        values.append(start)
    low, high = x.min(axis=0), x.max(axis=0)  # no node is empty: a cut lies between two values
    spread = (low < high).nonzero()[0]
    if level == depth or not len(spread):
        tree["length"][place] = level + path_length(len(x))
        return place
    column = int(random.choice(spread))
    threshold = float(random.uniform(low[column], high[column]))
    threshold = threshold if threshold < high[column] else float(low[column])  # rounding may reach the end
    left = x[:, column] <= threshold
    tree["column"][place], tree["threshold"][place] = column, threshold
    tree["left"][place] = _grow(tree, x[left], level + 1, depth, random)
    tree["right"][place] = _grow(tree, x[~left], level + 1, depth, random)
    return place


def scores(x: np.ndarray, trees: list[Tree], usual: float) -> np.ndarray:
    """From 0 to 1 for each row: the higher, the more unusual; 0.5 is ordinary."""
    import numpy as np

    grown = [_Grown(tree) for tree in trees]
    total = np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        block = np.clip(x[start : start + BLOCK], -LARGEST, LARGEST).astype(np.float32).astype(np.float64)
        total[start : start + BLOCK] = _lengths(np.ascontiguousarray(block), grown)
    made: np.ndarray = 2.0 ** (-total / (len(trees) * usual))
    return made


class _Grown:
    """A tree as arrays in which a leaf leads to itself, so that all rows walk the same number of steps."""

    def __init__(self, tree: Tree) -> None:
        import numpy as np

        column, left, right = (np.array(tree[name], dtype=np.int64) for name in ("column", "left", "right"))
        leaf, here = column == LEAF, np.arange(len(column))
        self.column = np.where(leaf, 0, column)
        self.threshold = np.array(tree["threshold"], dtype=np.float64)
        # Beside each other: the way to the right (0) and to the left (1).
        self.next = np.stack([np.where(leaf, here, right), np.where(leaf, here, left)], axis=1).ravel()
        self.length = np.array(tree["length"], dtype=np.float64)
        self.steps = _depth(tree, 0)


def _depth(tree: Tree, node: int) -> int:
    if tree["column"][node] == LEAF:
        return 0
    return 1 + max(_depth(tree, tree["left"][node]), _depth(tree, tree["right"][node]))


def _lengths(x: np.ndarray, trees: list[_Grown]) -> np.ndarray:
    """The lengths of each row's paths, added over the trees. `x` is a block that stays in the processor's cache."""
    import numpy as np

    flat, starts, total = x.ravel(), np.arange(len(x)) * x.shape[1], np.zeros(len(x))
    for tree in trees:
        node = np.zeros(len(x), dtype=np.int64)
        for _ in range(tree.steps):
            goes_left = flat.take(starts + tree.column.take(node)) <= tree.threshold.take(node)
            node = tree.next.take(2 * node + goes_left)
        total += tree.length.take(node)
    return total


def score(row: list[float], trees: list[Tree], usual: float) -> float:
    """The same for one row."""
    x = [struct.unpack("f", struct.pack("f", min(max(value, -LARGEST), LARGEST)))[0] for value in row]
    total = 0.0
    for tree in trees:
        column, threshold, left, right = tree["column"], tree["threshold"], tree["left"], tree["right"]
        node = 0
        while column[node] != LEAF:
            node = left[node] if x[column[node]] <= threshold[node] else right[node]
        total += tree["length"][node]
    made: float = 2.0 ** (-total / (len(trees) * usual))
    return made
