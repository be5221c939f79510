"""Checkpoints as data: arrays and JSON in one safetensors file, replaced atomically."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def write_atomically(path: Path, content: bytes) -> None:
    """Write through a temporary name, so that a kill at any moment leaves the old file or the new one, whole."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def save(path: Path, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
    """Write `arrays` and the JSON-able `state` to `path`."""
    import numpy as np
    from safetensors.numpy import save as serialise

    solid = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomically(path, serialise(solid, {"state": json.dumps(state, sort_keys=True)}))


def load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """Return what `save` wrote, or None where there is no checkpoint."""
    if not path.exists():
        return None
    from safetensors import safe_open

    with safe_open(str(path), framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        state = json.loads((file.metadata() or {})["state"])
    return arrays, state
