"""What a training is asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from datasets.recipe import NOTHING, Around
from datasets.schema import Schema
from training.engine.demands import Demands
from training.engine.split import DEFAULT


@dataclass(frozen=True)
class TrainSpec:
    """What to train. `features` empty: every column but the target. `task` None: inferred from the target.

    `candidates` is a list of {"family", "params"}. With a `preset` they are cross-validated and become an ensemble;
    without one, the best by validation score is kept. `time_limit` is in seconds. `replay` is the record of such a
    training: exactly its units are done, with exactly their steps, and no clock.
    `split` gives the shares of the rows held out and how they are chosen, see split.check; `demands` what is asked
    besides.
    """

    data: Path
    schema: Schema
    target: str
    candidates: list[dict[str, Any]]
    steps: list[dict[str, Any]] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    task: str | None = None
    seed: int = 0
    split: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT))
    time_limit: float | None = None
    around: Around = NOTHING
    demands: Demands = field(default_factory=Demands)
    preset: str = ""
    replay: Mapping[str, Any] | None = None

    def fingerprint(self) -> str:
        """What tells the checkpoints of this training from another's: everything asked for, and the file's size."""
        # What the steps reach is named in them; the tables themselves may lie elsewhere at the next attempt.
        asked = {
            **asdict(replace(self, around=NOTHING)),
            "schema": self.schema.to_json(),
            "data": self.data.stat().st_size,
        }
        del asked["time_limit"], asked["around"]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
