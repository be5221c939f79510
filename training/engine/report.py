"""What is told of a training that ended."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine import metrics

if TYPE_CHECKING:
    from training.engine.data import Prepared
    from training.engine.scoring import Scores


@dataclass(frozen=True)
class TrainReport:
    """How a training went. `metrics` and `baseline` hold {"train", "validation", "test"} of name to number."""

    state: str
    task: str
    family: str
    params: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    baseline: dict[str, dict[str, float]]
    score: dict[str, Any]
    confusion: dict[str, list[list[int]]]
    leaderboard: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    features: list[str]
    input_schema: list[dict[str, Any]]
    classes: list[Any] | None
    rows: dict[str, int]
    seed: int
    seconds: float
    parity: float
    manifest_sha256: str
    record: dict[str, Any] | None = None
    latency_ms: float | None = None
    left_out: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def report_of(
    manifest: Mapping[str, Any],
    prepared: Prepared,
    scores: Scores,
    artifact: Path,
    *,
    stopped: bool,
    score: float,
    leaderboard: list[dict[str, Any]],
    findings: Sequence[dict[str, Any]],
    parity: float,
    seconds: float,
    record: dict[str, Any] | None = None,
    latency_ms: float | None = None,
    left_out: Sequence[str] = (),
) -> TrainReport:
    """The report of a model that lies finished in `artifact`; `score` is its primary metric on rows held back."""
    return TrainReport(
        state="stopped" if stopped else "succeeded",
        task=manifest["task"],
        family=manifest["family"],
        params=dict(manifest["params"]),
        metrics=scores.metrics,
        baseline=scores.baseline,
        score={"metric": metrics.primary(manifest["task"]), "direction": "minimise", "value": score},
        confusion=scores.confusion,
        leaderboard=leaderboard,
        findings=list(findings),
        features=prepared.features,
        input_schema=manifest["inputs"],
        classes=manifest["classes"],
        rows={part: len(rows) for part, rows in prepared.rows.items()},
        seed=manifest["seed"],
        seconds=round(seconds, 3),
        parity=parity,
        manifest_sha256=hashlib.sha256((artifact / "manifest.json").read_bytes()).hexdigest(),
        record=record,
        latency_ms=latency_ms,
        left_out=list(left_out),
    )
