"""The training of a preset: all candidates on folds of the rows that are not the test's; their ensemble is kept."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine import artifact as artifacts
from training.engine import (
    assembling,
    background,
    checks,
    data,
    folds,
    metrics,
    reading,
    scored,
    scoring,
    split,
    standings,
)
from training.engine import demands as wishes
from training.engine.candidates import Candidate, thinned
from training.engine.control import Monitor
from training.engine.cores import Cores
from training.engine.crossval import CrossValidation
from training.engine.errors import TrainError
from training.engine.family import Needs
from training.engine.report import TrainReport, report_of
from training.engine.spec import TrainSpec
from training.engine.units import Done, Table

if TYPE_CHECKING:
    import numpy as np

    from training.engine.assembling import Assembled
    from training.engine.data import Prepared, Source
    from training.engine.family import Rows
    from training.engine.folds import Folds

ENSEMBLE = "ensemble"
TRAIN_ROWS = 5_000  # training rows that the ensemble is scored on, so that overfitting shows
REPEATS, REPEATED_ROWS = 5, 1000  # how many models, and on how many rows, tell whether a kind of model is stable


def cross_validated(  # noqa: PLR0917 (what `train` was given)
    spec: TrainSpec,
    chosen: list[Candidate],
    workdir: Path,
    artifact: Path,
    monitor: Monitor,
    checkpoint_every: float,
    cores: Cores,
    started: float,
) -> TrainReport:
    """Train, and write the ensemble to `artifact`. `started` is when the training began, in monotonic seconds."""
    spec = replace(spec, split={**spec.split, "validation": 0.0})
    able, left_out = _able(spec, chosen)
    source = reading.read(spec, monitor)
    prepared, target = source.prepare(Needs()), source.target
    table = Table(prepared.rows["train"], target.task, len(target.classes), prepared.monotone)
    _refuse_tasks(able, target.task)
    tested = len(prepared.rows["test"]) + min(TRAIN_ROWS, len(table.rows))
    running = CrossValidation(
        table=table,
        candidates=able,
        make_folds=lambda repeat: _folds(spec, source, prepared, spec.seed + repeat),
        workdir=workdir,
        monitor=monitor,
        cores=cores,
        seed=spec.seed,
        seconds=None if spec.time_limit is None else spec.time_limit - (time.monotonic() - started),
        reserve=lambda done: _reserve(done, tested, cores),
        checkpoint_every=checkpoint_every,
        replay=spec.replay,
    )
    running.run()
    shutil.rmtree(artifact, ignore_errors=True)
    made = assembling.assemble(running, artifact, spec.demands.latency_ms)
    report = _finish(spec, running, made, source, prepared, artifact, left_out)
    monitor.progress(1.0, "done")
    return replace(report, seconds=round(running.before + time.monotonic() - started, 3))


def _reserve(done: Sequence[Done], tested: int, cores: Cores) -> float:
    """Seconds that merging, writing and scoring will take."""
    scoring = sum(one.row_us for one in done) * 1e-6 * tested / max(1, len(cores.held))
    return 0.25 + 1.2 * scoring + 4e-8 * sum(one.size for one in done)


def _able(spec: TrainSpec, chosen: list[Candidate]) -> tuple[list[Candidate], list[str]]:
    """The candidates that heed what is asked for, and why the others are left out. Raises TrainError for none."""
    able, left_out, refused = [], [], None
    for candidate in chosen:
        try:
            wishes.check_family(spec.demands, candidate.family)
            able.append(candidate)
        except TrainError as error:
            refused = error
            left_out.append(str(error.detail))
    if not able and refused is not None:
        raise refused
    return able, list(dict.fromkeys(left_out))


def _refuse_tasks(chosen: list[Candidate], task: str) -> None:
    for candidate in chosen:
        if task not in candidate.family.tasks:
            detail = f"{candidate.family.label} does not do {task}."
            raise TrainError("task_not_supported", detail, f"It does {', '.join(candidate.family.tasks)}.", "family")
        candidate.family.check(candidate.params, task)


def _folds(spec: TrainSpec, source: Source, prepared: Prepared, seed: int) -> Folds:
    """The folds of the prepared training rows; rows that the recipe copied stay with the row they came from."""
    import numpy as np

    kind, train = spec.split.get("kind") or split.RANDOM, source.part("train")
    rows = train.height
    count = folds.how_many(rows)
    if kind == split.GROUPED:
        made = folds.grouped(wishes.group_codes(train[spec.split["by"]]), count, seed)
    elif kind == split.TIMED:
        made = folds.timed(wishes.times(train[spec.split["by"]]), min(count, 5))
    else:
        y = source.target.numbers(train[source.target.name])
        made = folds.random(folds.strata(y, len(source.target.classes)), count, seed)
    origin = prepared.origins["train"]
    of = np.where(origin >= 0, made.of[np.maximum(origin, 0)], folds.ALWAYS)
    return replace(made, of=of)


def _finish(  # noqa: PLR0917 (everything that a report tells of)
    spec: TrainSpec,
    running: CrossValidation,
    made: Assembled,
    source: Source,
    prepared: Prepared,
    artifact: Path,
    left_out: list[str],
) -> TrainReport:
    """The manifest, the scores of the written model, and the report."""
    manifest = _manifest(spec, running, made, source, prepared)
    artifacts.write_manifest(artifact, manifest, prepared.recipe.dumps())
    held = prepared.rows["train"].take(made.rows)
    cores = len(running.cores.held)
    scores = scoring.score(artifact, source, prepared, cores, most=TRAIN_ROWS, validation=(held, made.answer))
    scored.scored_of(source, prepared, scores.held, out_of_fold=made.rows).write(running.workdir / scored.FILE)
    asked = artifacts.Model(artifact, source.target.task)
    background.write(running.workdir / background.FILE, source, prepared, asked)
    answered = scores.answered
    if answered is not None:
        answered = replace(answered, repeats=_repeats(running, made, prepared.rows["test"]))
    running.weights = {index: made.weights.get(index, 0.0) for index in running.members}
    board = standings.leaderboard(running)
    late = [f"{row['label']}: {row['error']}" for row in board if row["error"]]
    findings = [*source.findings, *checks.after(source, scores.metrics, scores.baseline, answered)]
    if spec.demands.latency_ms is not None and made.latency_ms > spec.demands.latency_ms:
        findings.append(_too_slow(made.latency_ms, spec.demands.latency_ms))
    return report_of(
        manifest,
        prepared,
        scores,
        artifact,
        stopped=running.stopped,
        score=metrics.primary_score(held.y, made.answer, source.target.task, held.w),
        leaderboard=board,
        findings=findings,
        parity=max([made.parity, *(done.parity for parts in made.parts.values() for done in parts)]),
        seconds=0.0,
        record=running.record(),
        latency_ms=round(made.latency_ms, 4),
        left_out=[*left_out, *late],
    )


def _manifest(
    spec: TrainSpec, running: CrossValidation, made: Assembled, source: Source, prepared: Prepared
) -> dict[str, Any]:
    """What the ensemble says of itself; one that has a single member is of that member's family."""
    used = made.weights
    candidates = {candidate.index: candidate for candidate in running.candidates}
    alone = len(used) == 1
    family = candidates[next(iter(used))].family.name if alone else ENSEMBLE
    members = [_member(candidates[index], made) for index in sorted(used, key=lambda index: -used[index])]
    params = dict(members[0]["params"]) if alone else {}
    manifest = {**scoring.manifest_of(spec, source, family, params, prepared), "members": members}
    if made.calibration is not None:
        manifest["calibration"] = {"slope": made.calibration.slope, "level": made.calibration.level.tolist()}
    return manifest


def _repeats(running: CrossValidation, made: Assembled, tested: Rows) -> np.ndarray | None:
    """What the heaviest member's models, each of other training rows and another seed, answer to the same test rows."""
    import numpy as np

    index = max(made.weights, key=lambda index: made.weights[index])
    paths = [running.workdir / "units" / f"{d.member}-{d.repeat}-{d.fold}" for d in made.parts[index][:REPEATS]]
    if not len(tested) or len(paths) < 2:
        return None
    rows = thinned(tested, REPEATED_ROWS)
    return np.stack([artifacts.Model(path, running.table.task).predict(rows.X) for path in paths])


def _member(candidate: Candidate, made: Assembled) -> dict[str, Any]:
    parts = made.parts[candidate.index]
    params = {"penalty": parts[0].params["penalty"]} if "penalty" in parts[0].params else dict(candidate.params)
    weight = round(made.weights[candidate.index], 6)
    return {"family": candidate.family.name, "params": params, "weight": weight, "models": len(parts)}


def _too_slow(value: float, threshold: float) -> dict[str, Any]:
    message = f"One row takes {value:.3g} ms; the quickest model found is slower than the {threshold:g} ms asked for."
    return data.finding(
        "latency", "warning", message, test="ms a row", value=value, threshold=threshold,
        fix="Ask for a longer time a row, or leave columns out.",
    )  # fmt: skip
