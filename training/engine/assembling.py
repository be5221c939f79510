"""From the units of a cross-validated training to its one model: merged, calibrated, and within the latency asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine import artifact, calibration, ensembling, merging, standings, units
from training.engine.calibration import Calibration
from training.engine.errors import TrainError
from training.engine.family import REGRESSION
from training.engine.merging import Weighted
from training.engine.units import Done

if TYPE_CHECKING:
    import numpy as np

    from training.engine.crossval import CrossValidation, Member

CALIBRATION_ROWS = 200  # fewer tell nothing about probabilities


@dataclass(frozen=True)
class Assembled:
    """The model's graph, the parts it is made of with their weights, its out-of-fold answers and how fast it is."""

    content: bytes
    parts: Mapping[int, Sequence[Done]]
    weights: Mapping[int, float]
    calibration: Calibration | None
    answer: np.ndarray
    rows: np.ndarray
    parity: float
    latency_ms: float


def assemble(running: CrossValidation, folder: Path, latency_ms: float | None) -> Assembled:
    """Write the ensemble's model.onnx into `folder`; within `latency_ms`, if that is given, where it can be.

    Raises TrainError where the merged graph does not answer what its parts answered.
    """
    for parts, weights in _choices(running, latency_ms):
        made = _write(running, folder, parts, weights)
        if latency_ms is None or made.latency_ms <= latency_ms:
            return made
    return made


def _choices(running: CrossValidation, latency_ms: float | None) -> Any:
    """The whole ensemble; with a latency to keep, ever fewer models, down to the best that is quick enough."""
    usable = running.usable()
    whole = {member.index: _sorted(member) for member in usable}
    if latency_ms is None:
        yield whole, running.weights
        return
    if _slowness(whole, running.weights) <= latency_ms:
        yield whole, running.weights
    for most in (running.folds_of(0).count, 3, 1):
        parts = {index: done[:most] for index, done in whole.items()}
        weights = _within(running, usable, parts, latency_ms)
        if weights:
            yield parts, weights
    ones = {index: done[:1] for index, done in whole.items()}
    quick = [m for m in usable if ones[m.index][0].latency_ms <= latency_ms]
    pool = quick or [min(usable, key=lambda m: ones[m.index][0].latency_ms)]
    single = min(pool, key=lambda member: standings.score_of(running, member))
    yield ones, {single.index: 1.0}


def _within(
    running: CrossValidation, usable: Sequence[Member], parts: Mapping[int, Sequence[Done]], latency_ms: float
) -> dict[int, float]:
    """The ensemble of the members whose models together are quick enough, the slowest for its weight leaving first."""
    left = [m for m in usable if _slowness({m.index: parts[m.index]}, {m.index: 1.0}) <= latency_ms]
    while left:
        found = running.select(left)
        weights = {m.index: float(weight) for m, weight in zip(left, found, strict=True) if weight > 0}
        if _slowness(parts, weights) <= latency_ms:
            return weights
        used = [m for m in left if m.index in weights]
        worst = max(used, key=lambda m: _slowness({m.index: parts[m.index]}, {m.index: 1.0}) / weights[m.index])
        left.remove(worst)
    return {}


def _slowness(parts: Mapping[int, Sequence[Done]], weights: Mapping[int, float]) -> float:
    """Milliseconds a row, about: what the parts take alone, less the calls that they share."""
    used = [one.latency_ms for index, done in parts.items() if weights.get(index, 0.0) > 0 for one in done]
    call = min(used, default=0.0) * 0.5
    return sum(max(0.2 * one, one - call) for one in used) + call


def _sorted(member: Member) -> list[Done]:
    return [done for _, done in sorted(member.done.items())]


def _write(
    running: CrossValidation, folder: Path, parts: Mapping[int, Sequence[Done]], weights: Mapping[int, float]
) -> Assembled:
    import numpy as np

    table, used = running.table, [index for index in parts if weights.get(index, 0.0) > 0]
    where = {
        index: [running.workdir / "units" / f"{d.member}-{d.repeat}-{d.fold}" for d in parts[index]] for index in used
    }
    members = [m for m in running.usable() if m.index in used]
    rows = running.common(members)
    stack = np.stack([member.answer(table.width)[rows] for member in members])
    answer = ensembling.mean(stack, np.array([weights[m.index] for m in members]))
    found = None
    if table.task != REGRESSION and len(rows) >= CALIBRATION_ROWS:
        w = table.rows.w
        found = calibration.find(answer, table.rows.y[rows], None if w is None else w[rows])
    merged = [Weighted([(path / "model.onnx").read_bytes() for path in where[i]], weights[i]) for i in used]
    content = merging.merge(merged, table.rows.X.shape[1], table.width, calibration=found)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    model = artifact.Model(folder, table.task)
    parity = _parity(running, model, where, weights, found)
    answer = answer if found is None else found.apply(answer)
    latency = units.latency(model, np.ascontiguousarray(table.rows.X[:1]))
    return Assembled(
        content, {i: parts[i] for i in used}, {i: weights[i] for i in used}, found, answer, rows, parity, latency
    )


def _parity(
    running: CrossValidation,
    model: artifact.Model,
    where: Mapping[int, Sequence[Path]],
    weights: Mapping[int, float],
    found: Calibration | None,
) -> float:
    """How far the graph is from its parts as they were trained, in units of the target."""
    import numpy as np

    table = running.table
    trained = sum(
        weights[i] * np.mean([np.load(path / "probes.npy") for path in paths], axis=0) for i, paths in where.items()
    )
    if found is not None:
        trained = found.apply(trained)
    distance = np.abs(model.predict(table.probes()) - trained) / np.maximum(max(1.0, table.spread), np.abs(trained))
    worst = float(distance.max())
    if not worst <= artifact.TOLERANCE:
        detail = f"The merged model differs from its parts by {worst:.2g} (allowed: {artifact.TOLERANCE:g})."
        raise TrainError("artifact_differs", detail, "Train again without a preset, or report this.")
    return worst
