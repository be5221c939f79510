"""LightGBM, loaded lightly, and its model text: taken apart into trees, and put together again.

Ke et al. 2017, LightGBM: A Highly Efficient Gradient Boosting Decision Tree.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.engine.errors import TrainError

if TYPE_CHECKING:
    import numpy as np

# What prediction needs of a tree; gains, counts and inner values would only make checkpoints large.
_KEPT = ("split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value")
_DEFAULT_LEFT, _MISSING_IS_NAN = 2, 8  # bits of a node's decision_type


def load() -> Any:
    """Import LightGBM. Raises TrainError where the OpenMP library that it links is nowhere to be found.

    Its wrappers for scikit-learn are left out: they are not used here, and importing them takes three quarters of
    the time.
    """
    present = "sklearn" in sys.modules
    if not present:
        sys.modules["sklearn"] = None  # type: ignore[assignment]
    try:
        return _import()
    finally:
        if not present:
            del sys.modules["sklearn"]


def _import() -> Any:
    try:
        import lightgbm
    except OSError as error:
        _load_openmp(error)
        import lightgbm
    return lightgbm


def _load_openmp(error: OSError) -> None:
    """Load the copy of libgomp that comes with PyTorch, for a system without its own."""
    import ctypes
    from importlib.util import find_spec
    from pathlib import Path

    torch = find_spec("torch")
    for folder in torch.submodule_search_locations or [] if torch else []:
        for path in sorted(Path(folder, "lib").glob("libgomp*.so*")):
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
            return
    hint = "Install the system package libgomp1 (Debian, Ubuntu) or libgomp (Fedora, Alpine)."
    raise TrainError("no_openmp", f"Boosted trees cannot run on this machine: {error}.", hint) from error


def sections(text: str) -> list[str]:
    """The trees of a model's text, each as the lines that prediction needs.

    A column without gaps in training has no learned way for a missing value; LightGBM would take it for a zero, here
    it goes the way that more training rows went.
    """
    body = text[text.index("\nTree=") + 1 : text.index("\nend of trees")]
    return [_compact(part) for part in body.split("Tree=")[1:]]


def _compact(section: str) -> str:
    fields = dict(line.split("=", 1) for line in section.splitlines()[1:] if "=" in line)
    leaves = int(fields["num_leaves"])
    if leaves == 1:
        return f"num_leaves=1\nnum_cat=0\nleaf_value={fields['leaf_value']}\nshrinkage=1"
    fields["decision_type"] = " ".join(map(str, _ways(fields)))
    lines = [f"{name}={fields[name]}" for name in _KEPT]
    return "\n".join([f"num_leaves={leaves}", "num_cat=0", *lines, "shrinkage=1"])


def _ways(fields: dict[str, str]) -> list[int]:
    """Each node's decision_type, with a way for missing values."""
    inner, leaf = fields["internal_count"].split(), fields["leaf_count"].split()

    def count(child: str) -> int:
        place = int(child)
        return int(inner[place]) if place >= 0 else int(leaf[~place])

    sides = zip(fields["left_child"].split(), fields["right_child"].split(), strict=True)
    return [
        int(known) if int(known) & _MISSING_IS_NAN else _MISSING_IS_NAN | _DEFAULT_LEFT * (count(left) >= count(right))
        for known, (left, right) in zip(fields["decision_type"].split(), sides, strict=True)
    ]


def booster(trees: Sequence[str], outputs: int, features: int) -> Any:
    """A booster of `trees`, one an output in each round, that predicts raw sums."""
    head = [
        "tree", "version=v4", f"num_class={outputs}", f"num_tree_per_iteration={outputs}", "label_index=0",
        f"max_feature_idx={features - 1}",
        "feature_names=" + " ".join(f"f{place}" for place in range(features)),
        "feature_infos=" + " ".join(["none"] * features), "", "",
    ]  # fmt: skip
    body = "\n\n".join(f"Tree={place}\n{tree}" for place, tree in enumerate(trees))
    return load().Booster(model_str="\n".join(head) + body + "\n\nend of trees\n")


@dataclass(frozen=True)
class Nodes:
    """All trees as flat arrays; a child's place counts from its tree's first node, or is ~leaf.

    Shape: `leaves` (trees,); leaf_value (all leaves,); the rest (all inner nodes,), a tree of one leaf having none.
    """

    leaves: np.ndarray
    leaf_value: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray


def nodes(trees: Sequence[str]) -> Nodes:
    """Parse all trees at once: joining first is ten times faster than reading line by line."""
    import numpy as np

    lines: dict[str, list[str]] = {name: [] for name in ("num_leaves", *_KEPT)}
    for tree in trees:
        for line in tree.splitlines():
            name, _, values = line.partition("=")
            if name in lines:
                lines[name].append(values)

    def column(name: str, kind: type) -> np.ndarray:
        return np.array(" ".join(lines[name]).split(), dtype=kind)

    return Nodes(
        column("num_leaves", np.int64),
        column("leaf_value", np.float64),
        column("split_feature", np.int64),
        column("threshold", np.float64),
        (column("decision_type", np.int64) & _DEFAULT_LEFT) != 0,
        column("left_child", np.int64),
        column("right_child", np.int64),
    )
